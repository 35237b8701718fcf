/** Opens links of an answer, after a question that shows where they lead. */

import * as vscode from 'vscode';
import { visible } from '../../language-server/protocol/hidden';
import { UserError } from '../errors';
import { ask } from '../notify';
import { resolveInWorkspace } from '../workspace-paths';

/** @throws UserError for links of other kinds, and files outside the workspace */
export async function openLink(url: string): Promise<void> {
  const scheme = /^([a-z][a-z\d+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined || (scheme.length === 1 && !url.startsWith('//'))) {
    await openFile(url);
    return;
  }
  if (scheme !== 'https' && scheme !== 'http') {
    throw new UserError(`${visible(scheme)}: links are not supported.`);
  }
  const parsed = new URL(url);
  await ask<unknown>(
    `Open a link to ${visible(parsed.hostname)}?`,
    // the URL as a browser reads it: host names in other scripts are in their ASCII form
    `${visible(parsed.href).slice(0, 2000)}\n\nThe link was written by the model. The site would learn this address, with all that is in it.`,
    { title: 'Open', run: () => vscode.env.openExternal(vscode.Uri.parse(parsed.href, true)) },
    { title: 'Copy', run: () => vscode.env.clipboard.writeText(parsed.href) },
  );
}

/** @param link for example `src/a.ts`, `src/a.ts:12` or `src/a.ts#L12` */
async function openFile(link: string): Promise<void> {
  const match = /^(.*?)(?:(?::|#L)(\d+))?$/.exec(decoded(link.replace(/\?[\s\S]*$/, '')));
  const uri = resolveInWorkspace(match?.[1] ?? link, vscode.window.activeTextEditor?.document.uri);
  if (uri === undefined) {
    throw new UserError(`${visible(link)} is outside of the workspace.`);
  }
  const line = Math.max(0, Number(match?.[2] ?? 1) - 1);
  try {
    await vscode.window.showTextDocument(uri, { selection: new vscode.Range(line, 0, line, 0) });
  } catch {
    throw new UserError(`There is no file ${visible(link)}.`);
  }
}

function decoded(link: string): string {
  try {
    return decodeURIComponent(link);
  } catch {
    return link;
  }
}
