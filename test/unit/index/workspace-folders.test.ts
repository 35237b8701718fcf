import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../language-server/base/log';
import { withEnding } from '../../../language-server/index/chunk/path-line';
import { filePath, WorkspaceFolder, WorkspaceFolders } from '../../../language-server/index/workspace-folders';

const url = (file: string) => pathToFileURL(file).href;

function workspaceOf(...folders: string[]): WorkspaceFolders {
  const workspace = new WorkspaceFolders();
  for (const folder of folders) {
    workspace.add(new WorkspaceFolder(folder, silentLog, { tokensFor: async () => 0 }));
  }
  return workspace;
}

describe('a document', () => {
  test('belongs to the innermost folder around it', () => {
    const workspace = workspaceOf('/w', '/w/packages/a', '/other');
    expect(workspace.place(url('/w/packages/a/src/x.ts'))).toMatchObject({
      folder: { name: 'a' },
      path: 'src/x.ts',
    });
    expect(workspace.place(url('/w/packages/ab/x.ts'))).toMatchObject({
      folder: { name: 'w' },
      path: 'packages/ab/x.ts',
    });
  });

  test('outside of all folders has none, and its own name', () => {
    expect(workspaceOf('/w').place(url('/elsewhere/x.ts'))).toMatchObject({ folder: undefined, path: 'x.ts' });
  });

  test('that is no file has a name, whatever its URI', () => {
    expect(workspaceOf('/w').place('untitled:Untitled-1')).toEqual({
      folder: undefined,
      file: undefined,
      path: 'Untitled-1',
    });
    expect(workspaceOf('/w').place('git:/w/a%20b.ts').path).toBe('a b.ts');
    expect(workspaceOf('/w').place('odd:%E0%A4%A').path).toBe('%E0%A4%A');
    expect(workspaceOf('/w').place('').path).toBe('');
  });

  test('of a folder that was removed belongs to it no more', () => {
    const workspace = workspaceOf('/w', '/w/a');
    workspace.remove(url('/w/a'));
    expect(workspace.place(url('/w/a/x.ts'))).toMatchObject({ path: 'a/x.ts' });
  });
});

test('the cells of a notebook are in its file', () => {
  expect(filePath('vscode-notebook-cell:/w/a.ipynb#cell1')).toBe(path.resolve('/w/a.ipynb'));
  expect(filePath('https://example.com/a.ts')).toBeUndefined();
  expect(filePath('no uri')).toBeUndefined();
});

test.each([
  ['Untitled-1', 'python', 'Untitled-1.py'],
  ['Untitled-1', 'go', 'Untitled-1.go'],
  ['Untitled-1', 'plaintext', 'Untitled-1'],
  ['src/a.b', 'python', 'src/a.b'],
  ['src/Makefile', 'makefile', 'src/Makefile'],
])('%s in %s is shown to the model as %s', (name, languageId, shown) => {
  expect(withEnding(name, languageId)).toBe(shown);
});
