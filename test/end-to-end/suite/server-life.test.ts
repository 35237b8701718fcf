import * as assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { RestartPolicy } from '../../../extension/server/life';
import { closeEditors, extensionApi, openAtEnd, readyView, setSetting, typeAndAccept, viewThat } from './support';

const text = "const days = ['Monday', 'Tuesday', 'Wednesday',";

describe('the life of the server', () => {
  let folder = '';
  let modelPath: string | undefined;

  before(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'fasa-'));
    modelPath = vscode.workspace.getConfiguration('fasa').inspect<string>('modelPath')?.globalValue;
    await readyView();
  });
  afterEach(closeEditors);
  after(async () => {
    await setSetting('modelPath', modelPath);
    rmSync(folder, { recursive: true, force: true });
  });

  it('is started again after it was killed in the middle of a request, and completes', async () => {
    const api = await extensionApi();
    const killed = api.serverProcessId;
    assert.ok(killed !== undefined);
    const editor = await openAtEnd(text, 'javascript');
    await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
    process.kill(killed, 'SIGKILL');
    await viewThat('a restart', (view) => view.life === 'restarting');
    await readyView();
    assert.notEqual(api.serverProcessId, killed);
    assert.match(await typeAndAccept(editor, ' '), /Thursday/);
  });

  it("stays down after the fifth end within three minutes, and starts again on the user's word", async () => {
    const api = await extensionApi();
    await vscode.commands.executeCommand('fasa.restartServer');
    for (let ends = 1; ends <= RestartPolicy.maxEnds; ends += 1) {
      await readyView();
      assert.ok(api.serverProcessId !== undefined);
      process.kill(api.serverProcessId, 'SIGKILL');
      const next = ends < RestartPolicy.maxEnds ? 'restarting' : 'gave-up';
      await viewThat(`the life ${next} after end ${ends}`, (view) => view.life === next);
    }
    assert.equal(api.serverProcessId, undefined);
    await vscode.commands.executeCommand('fasa.restartServer');
    await readyView();
  });

  it('is a new one after the command to restart', async () => {
    const api = await extensionApi();
    const before = api.serverProcessId;
    await vscode.commands.executeCommand('fasa.restartServer');
    await readyView();
    assert.notEqual(api.serverProcessId, before);
  });

  const bad: [string, string, (file: string) => void][] = [
    ['that is not there', 'MODEL_NOT_FOUND', () => {}],
    ['that is no GGUF', 'NOT_GGUF', (file) => writeFileSync(file, 'This is a text, and long enough to be a header.')],
    [
      'of a GGUF cut short',
      'BAD_GGUF',
      (file) => writeFileSync(file, Buffer.from('GGUF\x03\0\0\0\x01\0\0\0', 'latin1')),
    ],
  ];
  for (const [index, [what, code, make]] of bad.entries()) {
    it(`goes on with a model file ${what}, and says so`, async () => {
      const api = await extensionApi();
      const process = api.serverProcessId;
      const file = path.join(folder, `${index}.gguf`);
      make(file);
      await setSetting('modelPath', file);
      const { status } = await viewThat(`the problem ${code}`, (view) => view.status?.problem?.code === code);
      assert.ok(status?.problem?.message.includes(file), `names the file: ${status?.problem?.message}`);
      assert.notEqual(status?.problem?.remedy, '');
      assert.equal(api.serverProcessId, process);
    });
  }

  it('takes the model again when the setting is right again', async () => {
    await setSetting('modelPath', modelPath);
    const { status } = await readyView();
    assert.equal(status?.problem, undefined);
    const editor = await openAtEnd(text, 'javascript');
    assert.match(await typeAndAccept(editor, ' '), /Thursday/);
  });
});
