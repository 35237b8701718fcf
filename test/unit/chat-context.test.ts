import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ContextItems } from '../../extension/chat/context-items';
import { limits } from '../../language-server/protocol/limits';
import { chip } from '../../media/chat/messages';
import { list } from '../../media/validate';

/** Of the editor, as much as what goes with a question needs. */
const editor = vi.hoisted(() => {
  class Uri {
    readonly scheme = 'file';
    readonly path: string;
    constructor(path: string) {
      this.path = path;
    }
    toString(): string {
      return `file://${this.path.split('/').map(encodeURIComponent).join('/')}`;
    }
    static joinPath({ path }: Uri): Uri {
      return new Uri(path.slice(0, path.lastIndexOf('/')));
    }
  }
  return { Uri, files: [] as Uri[], gone: new Set<string>() };
});

vi.mock('vscode', () => {
  const { Uri } = editor;
  const root = new Uri('/w');
  return {
    Uri,
    EventEmitter: class {
      event = () => ({ dispose: () => undefined });
      fire = () => undefined;
      dispose = () => undefined;
    },
    Disposable: { from: () => ({ dispose: () => undefined }) },
    Range: class {},
    window: {
      activeTextEditor: undefined,
      onDidChangeActiveTextEditor: () => undefined,
      onDidChangeTextEditorSelection: () => undefined,
    },
    workspace: {
      isTrusted: true,
      textDocuments: [],
      workspaceFolders: [{ uri: root, name: 'w' }],
      getWorkspaceFolder: () => ({ uri: root, name: 'w' }),
      asRelativePath: ({ path }: { path: string }) => path.slice(3),
      findFiles: async () => editor.files,
      openTextDocument: async () => Promise.reject(new Error('it is gone')),
    },
    commands: {
      executeCommand: async (name: string) =>
        name === 'vscode.executeWorkspaceSymbolProvider'
          ? editor.files.map((uri) => ({
              name: 'parse',
              location: { uri, range: { start: { line: 1 }, end: { line: 1 } } },
            }))
          : [],
    },
    languages: { getDiagnostics: () => [] },
    extensions: { getExtension: () => undefined },
  };
});

const deep = (name: string, length: number) => new editor.Uri(`/w/${'folder/'.repeat(length / 7)}${name}`);
let items = new ContextItems();
beforeEach(() => {
  items = new ContextItems();
  editor.files = [];
});

describe('what is added to a question', () => {
  test.each([90, 96, 1000, 4096])('is a file %i characters deep, and its neighbours are offered', async (length) => {
    editor.files = [new editor.Uri('/w/b.ts'), deep('a.ts', length), deep('c.ts', length)];
    const offered = (await items.candidates('file', '')).items.map(({ candidate }) => candidate);
    expect(offered).toHaveLength(3);
    for (const { id } of offered) {
      expect(id.length).toBeLessThanOrEqual(limits.id);
      items.add(id);
    }
    expect(list(chip, limits.chips)(items.chips, 'chips')).toEqual(items.chips);
    const { references } = await items.resolve();
    expect(references.map(({ uri }) => uri).sort()).toEqual(editor.files.map(String).sort());
  });

  test('is offered with the number of those that are not', async () => {
    editor.files = Array.from({ length: 67 }, (_, at) => new editor.Uri(`/w/${at}.ts`));
    const { items: offered, found } = await items.candidates('file', '');
    expect(found - offered.length).toBe(37);
  });

  test('is refused in words when there are too many, and those that are there stay', async () => {
    for (let at = 0; at < 198; at++) {
      editor.files = [new editor.Uri(`/w/${at}.ts`)];
      items.add((await items.candidates('file', '')).items[0]?.candidate.id ?? '');
    }
    editor.files = [new editor.Uri('/w/more.ts')];
    const { id } = (await items.candidates('file', '')).items[0]?.candidate ?? { id: '' };
    expect(() => items.add(id)).toThrow('At most 198 things can be added');
    expect(items.chips).toHaveLength(198);
  });

  test('and cannot be read any more costs itself alone', async () => {
    editor.files = [deep('a.ts', 4000)];
    items.add((await items.candidates('symbol', 'parse')).items[0]?.candidate.id ?? '');
    items.add((await items.candidates('file', '')).items[0]?.candidate.id ?? '');
    const { references, unread } = await items.resolve();
    expect(references).toHaveLength(1);
    expect(unread).toEqual([{ label: 'parse', reason: 'cannot be read: it is gone' }]);
  });
});
