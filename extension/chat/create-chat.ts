/** Creates all of the chat over one engine: the panel, what applies its code, the editor's own chat, the code actions. */

import * as vscode from 'vscode';
import { BlockApplier } from '../edits/apply-block';
import { Reviews } from '../edits/review';
import { Writer } from '../edits/writer';
import type { LanguageServer } from '../server/client';
import { createCodeActions } from './code-actions';
import { serverEngine } from './engine';
import { createNativeChat } from './native-chat';
import { ChatView } from './view';

interface Chat {
  readonly view: ChatView;
  readonly reviews: Reviews;
  readonly disposable: vscode.Disposable;
}

export function createChat(
  context: vscode.ExtensionContext,
  output: vscode.LogOutputChannel,
  server: LanguageServer,
): Chat {
  const engine = serverEngine(server);
  const writer = new Writer();
  const reviews = new Reviews(writer);
  const view = new ChatView({ context, output, server, engine, applier: new BlockApplier(writer, reviews) });
  const disposable = vscode.Disposable.from(
    view,
    reviews,
    createCodeActions(),
    createNativeChat(engine, server, output),
  );
  return { view, reviews, disposable };
}
