/** Shows proposed changes in the diff editor, where the user accepts or rejects them one by one or all at once. */

import * as vscode from 'vscode';
import { UserError } from '../errors';
import { inform } from '../notify';
import { type Hunk, hunkAt, withoutHunk } from './changes';
import { Proposal } from './proposal';
import { textOf, type Writer } from './writer';

const proposalScheme = 'fasa-proposal';

/** The pause in typing after which a proposal takes over what was typed. Milliseconds. */
const followMs = 150;

/** The proposals that are shown. They are not stored, and end with the window. */
export class Reviews implements vscode.Disposable {
  readonly #proposals = new Map<string, Proposal<vscode.Uri>>();
  readonly #changes = new vscode.EventEmitter<vscode.Uri>();
  readonly #lensChanges = new vscode.EventEmitter<void>();
  readonly #writer: Writer;
  readonly #subscriptions: vscode.Disposable;
  #count = 0;
  #following: NodeJS.Timeout | undefined;

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
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.#follow(document)),
    );
  }

  /** @param base the current text of the file; @param text the proposed text; both with LF line ends */
  async show(target: vscode.Uri, base: string, text: string): Promise<void> {
    this.#count += 1;
    const uri = target.with({ scheme: proposalScheme, authority: '', query: String(this.#count), fragment: '' });
    this.#proposals.set(uri.toString(), new Proposal(target, base, text));
    const name = vscode.workspace.asRelativePath(target);
    await vscode.commands.executeCommand('vscode.diff', target, uri, `${name} (proposed changes)`, { preview: false });
  }

  /** Accepts the change at the cursor, or at the line of a code lens. */
  async accept(line?: number): Promise<void> {
    await this.#decide(line, ({ proposal, current, hunk }) => this.#write(proposal, current, [hunk]));
  }

  async reject(line?: number): Promise<void> {
    await this.#decide(line, async ({ uri, proposal, hunk }) => {
      proposal.text = withoutHunk(proposal.text, hunk);
      this.#changes.fire(uri);
      await settled(uri, proposal.text);
    });
  }

  /** @throws UserError when lines of a change were edited since it was shown; nothing is written then */
  async acceptAll(): Promise<void> {
    const shown = this.#shown();
    if (shown) {
      const { uri, proposal } = shown;
      const current = textOf(await vscode.workspace.openTextDocument(proposal.target));
      proposal.follow(current);
      await this.#write(proposal, current, proposal.hunks());
      await this.#closeWhenDone(uri, proposal);
    }
  }

  async #write(proposal: Proposal<vscode.Uri>, current: string, hunks: readonly Hunk[]): Promise<void> {
    const { text, conflicts } = proposal.merged(current, hunks);
    if (conflicts.length > 0) {
      throw new UserError(
        hunks.length === 1
          ? 'Nothing was written: the lines of this change have been edited since it was shown. Undo the edit, or ask again.'
          : `Nothing was written: the lines of ${conflicts.length} of ${hunks.length} changes have been edited since they were shown. Accept the others one by one, or ask again.`,
      );
    }
    await this.#writer.replaceFile(proposal.target, current, text);
    proposal.accepted(current, text, hunks);
  }

  async discard(): Promise<void> {
    const shown = this.#shown();
    if (shown) {
      await closeTabs(shown.uri);
    }
  }

  dispose(): void {
    clearTimeout(this.#following);
    this.#subscriptions.dispose();
    this.#changes.dispose();
    this.#lensChanges.dispose();
  }

  async #decide(
    line: number | undefined,
    act: (decision: { uri: vscode.Uri; proposal: Proposal<vscode.Uri>; current: string; hunk: Hunk }) => Promise<void>,
  ): Promise<void> {
    const shown = this.#shown();
    if (!shown) {
      return;
    }
    const { uri, proposal } = shown;
    const current = textOf(await vscode.workspace.openTextDocument(proposal.target));
    proposal.restore(current);
    const hunks = proposal.hunks();
    const at = line ?? cursorLine(uri) ?? 0;
    const hunk = hunkAt(hunks, at) ?? (hunks.length === 1 ? hunks[0] : undefined);
    if (!hunk) {
      await inform('There is no change at the cursor. Move the cursor to a changed line.');
      return;
    }
    await act({ uri, proposal, current, hunk });
    await this.#closeWhenDone(uri, proposal);
  }

  async #closeWhenDone(uri: vscode.Uri, proposal: Proposal<vscode.Uri>): Promise<void> {
    if (proposal.hunks().length === 0) {
      await closeTabs(uri);
    }
    this.#lensChanges.fire();
  }

  /** Takes over what is typed into a file, so that it is the same on both sides of the diff. */
  #follow(document: vscode.TextDocument): void {
    this.#lensChanges.fire();
    const edited = document.uri.toString();
    if (![...this.#proposals.values()].some(({ target }) => target.toString() === edited)) {
      return;
    }
    clearTimeout(this.#following);
    this.#following = setTimeout(() => {
      const current = textOf(document);
      for (const [uri, proposal] of this.#proposals) {
        if (proposal.target.toString() === edited && proposal.follow(current)) {
          this.#changes.fire(vscode.Uri.parse(uri));
        }
      }
      this.#lensChanges.fire();
    }, followMs);
  }

  /** @returns the proposal in the active tab */
  #shown(): { readonly uri: vscode.Uri; readonly proposal: Proposal<vscode.Uri> } | undefined {
    const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
    const uri = input instanceof vscode.TabInputTextDiff ? input.modified : undefined;
    const proposal = uri && this.#proposals.get(uri.toString());
    return uri && proposal ? { uri, proposal } : undefined;
  }

  /** Code lenses appear if the user has enabled them in diff editors; the title bar always has buttons. */
  #lenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const proposal = this.#proposals.get(document.uri.toString());
    if (!proposal) {
      return [];
    }
    return proposal.hunks().flatMap(({ newStart }) => {
      const line = Math.min(newStart, Math.max(0, document.lineCount - 1));
      const range = new vscode.Range(line, 0, line, 0);
      return [
        new vscode.CodeLens(range, { title: 'Accept', command: 'fasa.acceptChange', arguments: [newStart] }),
        new vscode.CodeLens(range, { title: 'Reject', command: 'fasa.rejectChange', arguments: [newStart] }),
      ];
    });
  }
}

function cursorLine(uri: vscode.Uri): number | undefined {
  const editor =
    vscode.window.activeTextEditor?.document.uri.toString() === uri.toString()
      ? vscode.window.activeTextEditor
      : vscode.window.visibleTextEditors.find((one) => one.document.uri.toString() === uri.toString());
  return editor?.selection.active.line;
}

/** Waits until the editor has read a virtual document again after its change event. */
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
