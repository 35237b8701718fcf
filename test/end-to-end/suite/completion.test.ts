import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import {
  closeEditors,
  offersNothing,
  openAtEnd,
  readyView,
  setSetting,
  showAtEnd,
  typeAndAccept,
  viewThat,
} from './support';

const list = `const days = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];\nconst months = ['January', 'February',`;

describe('inline completion by the real model', () => {
  before(readyView);
  afterEach(closeEditors);

  it('is offered in an untitled document and accepted', async () => {
    const editor = await openAtEnd(list, 'javascript');
    const inserted = await typeAndAccept(editor, ' ');
    assert.match(inserted, /March/);
  });

  it('leaves its figures in the status', async () => {
    const { status } = await viewThat('figures of a request', (view) => (view.status?.lastRequest?.tokens ?? 0) > 0);
    assert.ok(status?.cache && status.cache.tokens > 0, JSON.stringify(status?.cache));
    assert.ok(status.cache.fullBytes > 0 && status.cache.fastBytes > 0);
    assert.ok(status.lastRequest && status.lastRequest.firstTokenMs > 0 && status.lastRequest.tokensPerSecond > 0);
  });

  it('keeps the line ends of a document with CRLF', async () => {
    const folder = vscode.workspace.workspaceFolders?.[0];
    assert.ok(folder);
    const uri = vscode.Uri.joinPath(folder.uri, 'crlf.js');
    await vscode.workspace.fs.writeFile(
      uri,
      Buffer.from(`function first(list) {\r\n  return list[0];\r\n}\r\n\r\nfunction last(list) {\r\n`),
    );
    const editor = await showAtEnd(await vscode.workspace.openTextDocument(uri));
    await typeAndAccept(editor, '  return ');
    assert.equal(editor.document.eol, vscode.EndOfLine.CRLF);
    assert.doesNotMatch(editor.document.getText(), /[^\r]\n|\r[^\n]/);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
    await vscode.workspace.fs.delete(uri);
  });

  it('survives a line of 5 MB', async () => {
    const editor = await openAtEnd(`const data = "${'0123456789 '.repeat(480_000)}";`, 'plaintext');
    await vscode.commands.executeCommand('type', { text: '\n' });
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    assert.ok(editor.document.getText().length > 5e6);
    await closeEditors();
    const next = await openAtEnd(list, 'javascript');
    assert.match(await typeAndAccept(next, ' '), /March/);
  });

  it('is not offered while paused, and again after', async () => {
    await vscode.commands.executeCommand('fasa.pause');
    await viewThat('the state paused', (view) => view.status?.state === 'paused');
    const editor = await openAtEnd(list, 'javascript');
    assert.ok(await offersNothing(editor, ' ', 4000));
    await vscode.commands.executeCommand('fasa.resume');
    await readyView();
    assert.notEqual(await typeAndAccept(editor, "'March', "), '');
  });

  it('is not offered in a language where it is turned off', async () => {
    await setSetting('completion.disabledLanguages', ['javascript']);
    try {
      const editor = await openAtEnd(list, 'javascript');
      assert.ok(await offersNothing(editor, ' ', 4000));
    } finally {
      await setSetting('completion.disabledLanguages', undefined);
    }
    const editor = await openAtEnd(list, 'javascript');
    assert.notEqual(await typeAndAccept(editor, ' '), '');
  });
});
