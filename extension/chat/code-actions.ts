/** Offers the commands of the chat as code actions on a selection and on a problem. */

import * as vscode from 'vscode';
import type { CommandId } from '../command-ids';

const kind = vscode.CodeActionKind.Refactor.append('fasa');

const onSelection: readonly (readonly [CommandId, string])[] = [
  ['fasa.explain', 'Explain with FASA Code'],
  ['fasa.fix', 'Fix with FASA Code'],
  ['fasa.tests', 'Write Tests with FASA Code'],
  ['fasa.doc', 'Document with FASA Code'],
  ['fasa.review', 'Review with FASA Code'],
];

export function createCodeActions(): vscode.Disposable {
  return vscode.languages.registerCodeActionsProvider(
    [{ scheme: 'file' }, { scheme: 'untitled' }],
    {
      provideCodeActions: (document, range, context) => {
        const actions: vscode.CodeAction[] = [];
        if (!range.isEmpty) {
          actions.push(...onSelection.map(([command, title]) => action(title, command, kind)));
        }
        const [problem] = context.diagnostics;
        if (problem) {
          const fix = action('Fix with FASA Code', 'fasa.fix', vscode.CodeActionKind.QuickFix);
          fix.diagnostics = [problem];
          fix.command = {
            title: fix.title,
            command: 'fasa.fix',
            arguments: [{ problem: document.uri.toString(), line: problem.range.start.line }],
          };
          actions.push(fix);
        }
        return actions;
      },
    },
    { providedCodeActionKinds: [kind, vscode.CodeActionKind.QuickFix] },
  );
}

function action(title: string, command: CommandId, of: vscode.CodeActionKind): vscode.CodeAction {
  const made = new vscode.CodeAction(title, of);
  made.command = { title, command };
  return made;
}
