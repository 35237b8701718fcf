import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ContextItems } from '../../../../extension/chat/question/context-items';
import { chip } from '../../../../language-server/protocol/chat-page';
import { limits } from '../../../../language-server/protocol/limits';
import { list } from '../../../../language-server/protocol/validate';

/** Of the editor, as much as what goes with a question needs. */
const editor = vi.hoisted(() => {
  class Uri {
    readonly scheme = 'file';
    get fsPath(): string {
      return this.path;
    }
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
  interface Changed {
    readonly uri: Uri;
    readonly originalUri?: Uri;
  }
  return {
    Uri,
    files: [] as Uri[],
    open: [] as { readonly uri: Uri; readonly lineCount: number }[],
    isTrusted: true,
    problems: [] as [Uri, object[]][],
    changed: [] as Changed[],
  };
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
      get isTrusted() {
        return editor.isTrusted;
      },
      get textDocuments() {
        return editor.open;
      },
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
    languages: { getDiagnostics: () => editor.problems },
    extensions: {
      getExtension: () => ({
        activate: async () => ({
          enabled: true,
          getAPI: () => ({
            repositories: [
              {
                rootUri: { fsPath: '/w', toString: () => 'file:///w' },
                diffWithHEAD: async (file?: string) => (file === undefined ? editor.changed : `diff of ${file}`),
              },
            ],
          }),
        }),
      }),
    },
  };
});

const deep = (name: string, length: number) => new editor.Uri(`/w/${'folder/'.repeat(length / 7)}${name}`);
let items = new ContextItems();
beforeEach(() => {
  items = new ContextItems();
  Object.assign(editor, { files: [], open: [], isTrusted: true, problems: [], changed: [] });
});

describe('context that is added to a question', () => {
  test.each([90, 96, 1000, 4096])('offers a file whose path has %i characters, and its neighbours', async (length) => {
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

  test('says how many more were found than are offered', async () => {
    editor.files = Array.from({ length: 67 }, (_, at) => new editor.Uri(`/w/${at}.ts`));
    const { items: offered, found } = await items.candidates('file', '');
    expect(found - offered.length).toBe(37);
  });

  test('is refused with a reason when there is too much, and what was added stays', async () => {
    for (let at = 0; at < 198; at++) {
      editor.files = [new editor.Uri(`/w/${at}.ts`)];
      items.add((await items.candidates('file', '')).items[0]?.candidate.id ?? '');
    }
    editor.files = [new editor.Uri('/w/more.ts')];
    const { id } = (await items.candidates('file', '')).items[0]?.candidate ?? { id: '' };
    expect(() => items.add(id)).toThrow('At most 198 items can be added');
    expect(items.chips).toHaveLength(198);
  });

  test('leaves out what can no longer be read, and keeps the rest', async () => {
    editor.files = [deep('a.ts', 4000)];
    items.add((await items.candidates('symbol', 'parse')).items[0]?.candidate.id ?? '');
    items.add((await items.candidates('file', '')).items[0]?.candidate.id ?? '');
    const { references, unread } = await items.resolve();
    expect(references).toHaveLength(1);
    expect(unread).toEqual([{ label: 'parse', reason: 'cannot be read: it is gone' }]);
  });
});

describe('attached text names the files that it comes from, so that the server can leave out secrets', () => {
  const uri = (name: string) => new editor.Uri(`/w/${name}`);

  test('changes are attached file by file, a renamed file with both names', async () => {
    editor.changed = [{ uri: uri('a.ts') }, { uri: uri('notes.txt'), originalUri: uri('.env') }];
    items.add((await items.candidates('changes', '')).items[0]?.candidate.id ?? '');
    expect((await items.resolve()).attachments).toEqual([
      { label: 'Changes of a.ts', text: 'diff of /w/a.ts', uris: ['file:///w/a.ts'] },
      {
        label: 'Changes of notes.txt',
        text: 'diff of /w/notes.txt',
        uris: ['file:///w/notes.txt', 'file:///w/.env'],
      },
    ]);
  });

  test('changes say how many files were not read, and when nothing has changed', async () => {
    items.add((await items.candidates('changes', '')).items[0]?.candidate.id ?? '');
    const label = 'Changes since the last commit';
    expect((await items.resolve()).attachments).toEqual([{ label, text: 'Nothing has changed.' }]);
    editor.changed = Array.from({ length: 103 }, (_, at) => ({ uri: uri(`${at}.ts`) }));
    const { attachments } = await items.resolve();
    expect(attachments).toHaveLength(101);
    expect(attachments.at(-1)).toEqual({ label, text: '3 more files have changed.', uris: [] });
  });

  test('problems are attached file by file, up to the limit', async () => {
    const problem = { range: { start: { line: 4 }, end: { line: 4, character: 1 } }, severity: 0, message: 'no' };
    editor.problems = [
      [uri('a.ts'), Array.from({ length: 60 }, () => problem)],
      [uri('.env'), Array.from({ length: 60 }, () => problem)],
    ];
    items.add((await items.candidates('problems', '')).items[0]?.candidate.id ?? '');
    const { attachments } = await items.resolve();
    expect(attachments.map(({ label, text, uris }) => [label, text.split('\n').length, uris])).toEqual([
      ['Problems of a.ts', 60, ['file:///w/a.ts']],
      ['Problems of .env', 40, ['file:///w/.env']],
      ['Problems of the workspace', 1, undefined],
    ]);
    expect(attachments.at(-1)?.text).toBe('There are 20 more problems.');
  });

  test('in an untrusted workspace, symbols of closed files are neither offered nor read', async () => {
    editor.files = [uri('a.ts'), uri('b.ts')];
    const offered = (await items.candidates('symbol', 'parse')).items;
    expect(offered).toHaveLength(2);
    items.add(offered[0]?.candidate.id ?? '');
    editor.isTrusted = false;
    expect((await items.candidates('symbol', 'parse')).items).toHaveLength(0);
    const { attachments, unread } = await items.resolve();
    expect(attachments).toEqual([]);
    expect(unread?.[0]?.reason).toContain('the workspace is not trusted');
    editor.open = [{ uri: uri('b.ts'), lineCount: 1 }];
    expect((await items.candidates('symbol', 'parse')).items).toHaveLength(1);
  });
});
