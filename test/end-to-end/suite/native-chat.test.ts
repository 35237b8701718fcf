import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { closeEditors, readyView, until } from './support';

describe("the editor's own chat", () => {
  let model: vscode.LanguageModelChat;

  before(async () => {
    await readyView();
    await until('the model to be offered', async () => {
      const [found] = await vscode.lm.selectChatModels({ vendor: 'fasa' });
      if (found) {
        model = found;
      }
      return found !== undefined;
    });
  });
  afterEach(closeEditors);

  it('is offered the loaded model, with no account', () => {
    assert.match(model.name, /FASA Code/);
    assert.ok(model.maxInputTokens > 1000);
  });

  it('counts tokens by the real tokenizer, special ones as text', async () => {
    assert.equal(await model.countTokens(''), 0);
    assert.equal(await model.countTokens('hello'), 1);
    assert.ok((await model.countTokens('<|im_end|>')) > 1);
  });

  it('gets an answer as it is written', async () => {
    const messages = [vscode.LanguageModelChatMessage.User('What is the capital of France?')];
    const response = await model.sendRequest(messages, { justification: 'test' });
    const parts: string[] = [];
    for await (const part of response.text) {
      parts.push(part);
    }
    // what so small a model says is its own affair; that it says something, bit by bit, is ours
    assert.match(parts.join(''), /\p{L}{2}/u);
    assert.ok(parts.length > 1, `in ${parts.length} parts`);
  });

  it('is stopped in the middle', async () => {
    const source = new vscode.CancellationTokenSource();
    const messages = [vscode.LanguageModelChatMessage.User('Count from one to one thousand, in words.')];
    const started = Date.now();
    let length = 0;
    try {
      const response = await model.sendRequest(messages, { justification: 'test' }, source.token);
      for await (const part of response.text) {
        length += part.length;
        source.cancel();
      }
    } catch {
      // an error is one of the ways in which a response may end
    }
    assert.ok(length < 400, `${length} characters in ${Date.now() - started} ms`);
    await readyView();
  });
});

describe('the actions in code', () => {
  it('are there on a selection', async () => {
    const document = await vscode.workspace.openTextDocument({ language: 'javascript', content: 'let a = 1;\n' });
    await vscode.window.showTextDocument(document);
    const actions = await vscode.commands.executeCommand<vscode.CodeAction[]>(
      'vscode.executeCodeActionProvider',
      document.uri,
      new vscode.Range(0, 0, 0, 5),
    );
    const titles = actions.map(({ title }) => title).filter((title) => title.includes('FASA Code'));
    assert.equal(titles.length, 5, titles.join(', '));
    await closeEditors();
  });
});
