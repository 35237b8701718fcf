/** The items that `@` offers: files, folders, symbols, problems, changes. They become text when the question is asked. */

import * as vscode from 'vscode';
import type { Candidate, MentionKind } from '../../../language-server/protocol/chat-page';
import { cutEnd } from '../../../language-server/protocol/cut';
import { limits } from '../../../language-server/protocol/limits';
import { isReadable, mayOpen, openDocument, placeName, rangeName } from '../../workspace-paths';
import { type ChangedFile, gitChanges } from './git-changes';
import { type Attachment, candidateOf } from './question-context';

export interface MentionItem {
  readonly candidate: Candidate;
  resolve(): Promise<Resolved>;
}

interface Resolved {
  readonly references?: readonly { readonly uri: string }[];
  readonly attachments?: readonly Attachment[];
}

export interface MentionItems {
  readonly items: readonly MentionItem[];
  /** The number of all that were found, those that are not offered among them. */
  readonly found: number;
}

const maxOffered = 30;
const maxFound = 2000;
const maxProblems = 100;

export async function mentionCandidates(kind: MentionKind, query: string): Promise<MentionItems> {
  switch (kind) {
    case 'file':
      return offered(await filesLike(query), (uri) => placeItem('file', uri));
    case 'folder':
      return offered(foldersOf(await filesLike(''), query), (uri) => placeItem('folder', uri));
    case 'symbol':
      return offered(await symbols(query), symbolItem);
    case 'problems':
      return offered(problemItems(query), (item) => item);
    case 'changes':
      return offered(await changeItems(), (item) => item);
  }
}

function offered<T>(found: readonly T[], item: (one: T) => MentionItem): MentionItems {
  return { items: found.slice(0, maxOffered).map(item), found: found.length };
}

function placeItem(kind: 'file' | 'folder', uri: vscode.Uri): MentionItem {
  const label = kind === 'folder' ? `${placeName(uri)}/` : placeName(uri);
  const key = uri.toString();
  return { candidate: candidateOf(kind, key, label), resolve: async () => ({ references: [{ uri: key }] }) };
}

/** Lists open files first; in an untrusted workspace, no others. */
async function filesLike(query: string): Promise<vscode.Uri[]> {
  const open = vscode.workspace.textDocuments.map(({ uri }) => uri).filter(isReadable);
  const words = query.toLowerCase();
  // characters with a meaning in a glob are replaced by wildcards
  const pattern = query === '' ? '**/*' : `**/*${query.replace(/[\\/[\]{}*?!,]/g, '?')}*`;
  const found = vscode.workspace.isTrusted
    ? await vscode.workspace.findFiles(query.includes('/') ? '**/*' : pattern, '**/node_modules/**', maxFound)
    : [];
  const seen = new Set<string>();
  return [...open, ...found]
    .filter((uri) => {
      const key = uri.toString();
      const fresh = !seen.has(key) && placeName(uri).toLowerCase().includes(words);
      seen.add(key);
      return fresh;
    })
    .sort((left, right) => rank(placeName(left), words) - rank(placeName(right), words));
}

/** Sorts names that begin with the query first, then short paths. */
function rank(name: string, words: string): number {
  const base = name.slice(name.lastIndexOf('/') + 1).toLowerCase();
  return name.length + (base.startsWith(words) ? 0 : base.includes(words) ? 1000 : 2000);
}

function foldersOf(files: readonly vscode.Uri[], query: string): vscode.Uri[] {
  const folders = new Map<string, vscode.Uri>();
  for (const file of files) {
    const root = vscode.workspace.getWorkspaceFolder(file);
    for (
      let uri = vscode.Uri.joinPath(file, '..');
      root && uri.path.length > root.uri.path.length;
      uri = vscode.Uri.joinPath(uri, '..')
    ) {
      folders.set(uri.toString(), uri);
    }
  }
  const words = query.toLowerCase();
  return [...folders.values()]
    .filter((uri) => placeName(uri).toLowerCase().includes(words))
    .sort((left, right) => rank(placeName(left), words) - rank(placeName(right), words));
}

async function symbols(query: string): Promise<vscode.SymbolInformation[]> {
  const found =
    (await vscode.commands.executeCommand<vscode.SymbolInformation[] | undefined>(
      'vscode.executeWorkspaceSymbolProvider',
      query,
    )) ?? [];
  return found.filter(
    ({ location: { uri } }) =>
      isReadable(uri) && vscode.workspace.getWorkspaceFolder(uri) !== undefined && mayOpen(uri),
  );
}

function symbolItem({ name, location }: vscode.SymbolInformation): MentionItem {
  const key = `${name} ${location.uri.toString()} ${location.range.start.line}`;
  return {
    candidate: candidateOf('symbol', key, name, rangeName(location.uri, location.range)),
    resolve: () => symbolText(name, location),
  };
}

/** Reads a whole symbol. Workspace symbols often have the range of the name only; document symbols have that of all. */
async function symbolText(name: string, { uri, range }: vscode.Location): Promise<Resolved> {
  const document = await openDocument(uri);
  const inDocument =
    (await vscode.commands.executeCommand<(vscode.DocumentSymbol | vscode.SymbolInformation)[] | undefined>(
      'vscode.executeDocumentSymbolProvider',
      uri,
    )) ?? [];
  const whole = innermost(inDocument, name, range.start) ?? range;
  const lines = new vscode.Range(whole.start.line, 0, whole.end.line, document.lineAt(whole.end.line).text.length);
  const label = `${name} in ${rangeName(uri, lines)}`;
  return { attachments: [{ label, text: document.getText(lines), uris: [uri.toString()] }] };
}

function innermost(
  found: readonly (vscode.DocumentSymbol | vscode.SymbolInformation)[],
  name: string,
  at: vscode.Position,
): vscode.Range | undefined {
  for (const symbol of found) {
    const range = 'range' in symbol ? symbol.range : symbol.location.range;
    if (range.contains(at)) {
      const inner = 'children' in symbol ? innermost(symbol.children, name, at) : undefined;
      return inner ?? (symbol.name === name ? range : undefined);
    }
  }
  return undefined;
}

const severities = ['error', 'warning', 'information', 'hint'] as const;

function problemItems(query: string): MentionItem[] {
  const active = vscode.window.activeTextEditor?.document.uri;
  const items: MentionItem[] = [];
  const all = vscode.languages.getDiagnostics().filter(([, found]) => found.length > 0);
  if (active && all.some(([uri]) => uri.toString() === active.toString())) {
    items.push(
      problemItem(`Problems of ${placeName(active)}`, () =>
        all.filter(([uri]) => uri.toString() === active.toString()),
      ),
    );
  }
  items.push(problemItem('Problems of the workspace', () => vscode.languages.getDiagnostics()));
  return items.filter(({ candidate }) => candidate.label.toLowerCase().includes(query.toLowerCase()));
}

function problemItem(label: string, read: () => readonly [vscode.Uri, readonly vscode.Diagnostic[]][]): MentionItem {
  return {
    candidate: candidateOf('problems', label, label),
    resolve: async () => ({ attachments: describeProblems(label, read()) }),
  };
}

/** The problems of one line, as they are now. */
export function problemsAt(uri: vscode.Uri, line: number): MentionItem {
  const here = vscode.languages
    .getDiagnostics(uri)
    .filter(({ range }) => range.start.line <= line && range.end.line >= line);
  return problemItem(`Problems at ${placeName(uri)}:${line + 1}`, () => [[uri, here]]);
}

type Problems = readonly [vscode.Uri, readonly vscode.Diagnostic[]];

/** Writes a text for each file, as some may be secrets, with the line of code of each problem. */
function describeProblems(label: string, all: readonly Problems[]): Attachment[] {
  const attachments: Attachment[] = [];
  let left = maxProblems;
  for (const [uri, found] of all) {
    const lines = found.slice(0, left).map((problem) => describeProblem(uri, problem));
    left -= lines.length;
    if (lines.length > 0) {
      const name = all.length === 1 ? label : `Problems of ${placeName(uri)}`;
      attachments.push({ label: name, text: lines.join('\n'), uris: [uri.toString()] });
    }
  }
  const count = all.reduce((sum, [, found]) => sum + found.length, 0);
  if (count > maxProblems) {
    attachments.push({ label, text: `There are ${count - maxProblems} more problems.` });
  }
  return count === 0 ? [{ label, text: 'There are no problems.' }] : attachments;
}

function describeProblem(uri: vscode.Uri, { range, severity, message, source }: vscode.Diagnostic): string {
  const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
  const line =
    document && range.start.line < document.lineCount
      ? `\n    ${cutEnd(document.lineAt(range.start.line).text.trim(), limits.label)}`
      : '';
  const what = `${severities[severity]}: ${cutEnd(message, limits.problem)}${source ? ` (${source})` : ''}`;
  return `${rangeName(uri, range)}: ${what}${line}`;
}

async function changeItems(): Promise<MentionItem[]> {
  const repositories = vscode.workspace.isTrusted ? await gitChanges() : [];
  return repositories.map(({ name, key, read }) => {
    const label = repositories.length > 1 ? `Changes in ${name}` : 'Changes since the last commit';
    return {
      candidate: candidateOf('changes', key, label),
      resolve: async () => ({ attachments: describeChanges(label, await read()) }),
    };
  });
}

function describeChanges(label: string, changed: readonly ChangedFile[]): Attachment[] {
  if (changed.length === 0) {
    return [{ label, text: 'Nothing has changed.' }];
  }
  return changed.map(({ uris, diff }) => {
    const [uri] = uris;
    return {
      label: uri === undefined ? label : `Changes of ${placeName(uri)}`,
      text: diff,
      uris: uris.map((one) => one.toString()),
    };
  });
}
