import * as assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import * as vscode from 'vscode';
import { commandIds } from '../../../extension/command-ids';
import { extensionApi, readyView } from './support';

describe('activation', () => {
  it('does little work of its own', async () => {
    const { activation } = await extensionApi();
    console.log(`activation: ${activation.wallMs.toFixed(0)} ms, ${activation.cpuMs.toFixed(0)} ms of processor time`);
    // The aim is 100 ms; this limit only catches work that does not belong here, on any machine.
    assert.ok(activation.cpuMs > 0 && activation.cpuMs < 1000, JSON.stringify(activation));
  });

  it('registers every command', async () => {
    await extensionApi();
    const known = await vscode.commands.getCommands(true);
    assert.deepEqual(
      commandIds.filter((id) => !known.includes(id)),
      [],
    );
  });

  it('has a server in a process of its own that becomes ready with the real model', async () => {
    const { status } = await readyView();
    const api = await extensionApi();
    assert.ok(api.serverProcessId !== undefined && api.serverProcessId !== process.pid);
    assert.ok(status?.model, 'a model is named');
    assert.ok(status.model.parameters > 1e6 && status.model.bytes > 1e6, JSON.stringify(status.model));
    assert.ok(
      status.device && status.device.threads > 0 && status.device.memoryUsed > 0,
      JSON.stringify(status.device),
    );
  });

  it('never loads the addon in the extension host', async function () {
    if (process.platform !== 'linux') {
      this.skip();
    }
    await readyView();
    const { serverProcessId } = await extensionApi();
    const maps = (id: number | string) => readFileSync(`/proc/${id}/maps`, 'utf8');
    assert.match(maps(serverProcessId ?? 0), /addon\.node/);
    assert.doesNotMatch(maps('self'), /addon\.node|libllama|libggml/);
  });
});
