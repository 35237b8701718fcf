/** Proposed changes of files in the editor's own diff editor: accepted or rejected one by one, or all at once. */

import * as vscode from 'vscode';
import { type Hunk, hunkAt, hunksOf, withHunk, withoutHunk } from './changes';
import type { Writer } from './writer';

export const proposalScheme = 'fasa-proposal';

interface Proposal {
  readonly target: vscode.Uri;
  text: string;
}

/** Proposals are for looking at and deciding; what is open of them ends with the window. */
export class Reviews implements vscode.Disposable {
  readonly #proposals = new Map<string, Proposal>();
  readonly #changes = new vscode.EventEmitter<vscode.Uri>();
  readonly #lensChanges = new vscode.EventEmitter<void>();
  readonly #writer: Writer;
  readonly #subscriptions: vscode.Disposable;
  #count = 0;

  constructor(writer: Writer) {
    this.#writer = writer;
    this.#subscriptions = vscode.Disposable.from(
      vscode.workspace.registerTextDocumentContentProvider(proposalScheme, {
        onDidChange: this.#changes.event,
        provideTextDocumentContent: (uri) => this.#proposals.get(uri.toString())?.text ?? '',
      }),
      vscode.languages.registerCodeLensProvider(
        { scheme: proposalScheme },
        { onDidChangeCodeLenses: this.#lensChanges.event, provideCodeLenses: (document) => this.#lenses(document) },
      ),
      vscode.window.tabGroups.onDidChangeTabs(({ closed }) => {
        for (const { input } of closed) {
          if (input instanceof vscode.TabInputTextDiff) {
            this.#proposals.delete(input.modified.toString());
          }
        }
      }),
      vscode.workspace.onDidChangeTextDocument(() => this.#lensChanges.fire()),
    );
  }

  /** @param text the whole file as proposed, LF line ends */
  async show(target: vscode.Uri, text: string): Promise<void> {
    this.#count += 1;
    const uri = target.with({ scheme: proposalScheme, authority: '', query: String(this.#count), fragment: '' });
    this.#proposals.set(uri.toString(), { target, text });
    const name = vscode.workspace.asRelativePath(target);
    await vscode.commands.executeCommand('vscode.diff', target, uri, `${name} (proposed changes)`, { preview: false });
  }

  /** Of the change at the cursor, or at a line that a lens names. */
  async accept(line?: number): Promise<void> {
    await this.#decide(line, async ({ proposal, current, hunk }) => {
      await this.#writer.replaceFile(proposal.target, current, withHunk(current, hunk));
    });
  }

  async reject(line?: number): Promise<void> {
    await this.#decide(line, async ({ uri, proposal, hunk }) => {
      proposal.text = withoutHunk(proposal.text, hunk);
      this.#changes.fire(uri);
      await settled(uri, proposal.text);
    });
  }

  async acceptAll(): Promise<void> {
    const shown = this.#shown();
    if (shown) {
      const document = await vscode.workspace.openTextDocument(shown.proposal.target);
      await this.#writer.replaceFile(shown.proposal.target, textOf(document), shown.proposal.text);
      await this.#closeWhenDone(shown.uri, shown.proposal);
    }
  }

  async discard(): Promise<void> {
    const shown = this.#shown();
    if (shown) {
      await closeTabs(shown.uri);
    }
  }

  dispose(): void {
    this.#subscriptions.dispose();
    this.#changes.dispose();
    this.#lensChanges.dispose();
  }

  async #decide(
    line: number | undefined,
    act: (decision: { uri: vscode.Uri; proposal: Proposal; current: string; hunk: Hunk }) => Promise<void>,
  ): Promise<void> {
    const shown = this.#shown();
    if (!shown) {
      return;
    }
    const { uri, proposal } = shown;
    const current = textOf(await vscode.workspace.openTextDocument(proposal.target));
    const hunks = hunksOf(current, proposal.text);
    const at = line ?? cursorLine(uri) ?? 0;
    const hunk = hunkAt(hunks, at) ?? (hunks.length === 1 ? hunks[0] : undefined);
    if (!hunk) {
      await vscode.window.showInformationMessage('There is no change at the cursor. Put it into a changed line.');
      return;
    }
    await act({ uri, proposal, current, hunk });
    await this.#closeWhenDone(uri, proposal);
  }

  async #closeWhenDone(uri: vscode.Uri, proposal: Proposal): Promise<void> {
    const document = await vscode.workspace.openTextDocument(proposal.target);
    if (textOf(document) === proposal.text) {
      await closeTabs(uri);
    }
    this.#lensChanges.fire();
  }

  /** The proposal in the active tab. */
  #shown(): { readonly uri: vscode.Uri; readonly proposal: Proposal } | undefined {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    const uri = input instanceof vscode.TabInputTextDiff ? input.modified : undefined;
    const proposal = uri && this.#proposals.get(uri.toString());
    return uri && proposal ? { uri, proposal } : undefined;
  }

  /** Shown where the user has code lenses in diff editors; the buttons of the title are always there. */
  async #lenses(document: vscode.TextDocument): Promise<vscode.CodeLens[]> {
    const proposal = this.#proposals.get(document.uri.toString());
    if (!proposal) {
      return [];
    }
    const current = textOf(await vscode.workspace.openTextDocument(proposal.target));
    return hunksOf(current, proposal.text).flatMap(({ newStart }) => {
      const line = Math.min(newStart, Math.max(0, document.lineCount - 1));
      const range = new vscode.Range(line, 0, line, 0);
      return [
        new vscode.CodeLens(range, { title: 'Accept', command: 'fasa.acceptChange', arguments: [newStart] }),
        new vscode.CodeLens(range, { title: 'Reject', command: 'fasa.rejectChange', arguments: [newStart] }),
      ];
    });
  }
}

export function textOf(document: vscode.TextDocument): string {
  return document.getText().replace(/\r\n?/g, '\n');
}

function cursorLine(uri: vscode.Uri): number | undefined {
  const editor =
    vscode.window.activeTextEditor?.document.uri.toString() === uri.toString()
      ? vscode.window.activeTextEditor
      : vscode.window.visibleTextEditors.find((one) => one.document.uri.toString() === uri.toString());
  return editor?.selection.active.line;
}

/** The editor asks for the text of a virtual document when it is told of a change. */
async function settled(uri: vscode.Uri, text: string): Promise<void> {
  const document = await vscode.workspace.openTextDocument(uri);
  for (let tries = 0; tries < 50 && textOf(document) !== text; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function closeTabs(uri: vscode.Uri): Promise<void> {
  const tabs = vscode.window.tabGroups.all
    .flatMap((group) => group.tabs)
    .filter(({ input }) => input instanceof vscode.TabInputTextDiff && input.modified.toString() === uri.toString());
  await vscode.window.tabGroups.close(tabs);
}
