/** Converts what the editor and the server have to what the chat page shows, each value cut to its limit. */

import type { Candidate, CitationView, SummaryView, ToView } from '../../language-server/protocol/chat-page';
import { cutEnd, cutMiddle } from '../../language-server/protocol/cut';
import { limits } from '../../language-server/protocol/limits';
import type { AskSize, AskSizePart, Citation } from '../../language-server/protocol/server';
import { downloadLine } from '../models/rows';
import type { ServerView } from '../server/life';
import { lacksModel } from '../status/text';
import type { Conversation } from './conversations/conversation';

/** @returns undefined for a citation whose URI is too long to be opened */
export function citationView({ uri, range, share }: Citation, path: string): CitationView | undefined {
  if (uri.length > limits.uri) {
    return undefined;
  }
  const { start, end } = range;
  // a range that ends at the start of a line ends with the line before
  const last = end.character === 0 && end.line > start.line ? end.line - 1 : end.line;
  return { uri, path: cutMiddle(path, limits.label), firstLine: start.line + 1, lastLine: last + 1, share };
}

/** @param left what was left out before the request to the server */
export function sizeView(size: AskSize, left: readonly AskSizePart[]): AskSize {
  const parts = [...size.parts, ...left].map((part) => ({
    ...part,
    label: cutMiddle(part.label, limits.label),
    ...(part.reason === undefined ? {} : { reason: cutMiddle(part.reason, limits.label) }),
  }));
  return { ...size, parts: parts.length > limits.sizeParts ? summarized(parts, limits.sizeParts) : parts };
}

/** Sums up the parts over the limit: complete ones first, as a person looks for those that are left out or cut. */
function summarized(parts: readonly AskSizePart[], max: number): readonly AskSizePart[] {
  const kept = new Set(
    [...parts].sort((left, right) => Number(!left.reason) - Number(!right.reason)).slice(0, max - 1),
  );
  const more = parts.filter((part) => !kept.has(part));
  const [{ kind } = { kind: 'file' as const }] = more;
  const reasons = more.filter(({ reason }) => reason !== undefined).length;
  return [
    ...parts.filter((part) => kept.has(part)),
    {
      kind,
      label: `and ${more.length} more`,
      includedTokens: more.reduce((sum, { includedTokens }) => sum + includedTokens, 0),
      ...(reasons === 0 ? {} : { reason: `${reasons} of them left out or cut` }),
    },
  ];
}

function summaryOf({ id, title, changed, turns }: Conversation, found?: string): SummaryView {
  return {
    id,
    title: cutEnd(title, limits.label) || 'Untitled',
    changed,
    turns: turns.length,
    ...(found === undefined ? {} : { found: cutEnd(found, limits.label) }),
  };
}

export function conversationsMessage(
  query: string,
  found: readonly { readonly conversation: Conversation; readonly found?: string }[],
): ToView {
  const list = found.slice(0, limits.conversations).map((one) => summaryOf(one.conversation, one.found));
  return { kind: 'conversations', query, list, ...moreThan(list, found.length) };
}

export function candidatesMessage(request: number, candidates: readonly Candidate[], found: number): ToView {
  const offered = candidates.slice(0, limits.candidates);
  return { kind: 'candidates', request, candidates: offered, ...moreThan(offered, found) };
}

function moreThan(list: readonly unknown[], found: number): { readonly more?: number } {
  return found > list.length ? { more: found - list.length } : {};
}

/** The state of the server, as far as it matters for a question. */
export function serverMessage({ life, status }: ServerView, trusted: boolean): Extract<ToView, { kind: 'server' }> {
  const ready = life === 'running' && ['ready', 'busy', 'encoding', 'paused'].includes(status?.state ?? '');
  const problem = status?.problem ? `${status.problem.message} ${status.problem.remedy}` : undefined;
  const words =
    (status?.download && lacksModel(status) ? downloadLine(status.download) : problem) ??
    (life === 'gave-up' ? 'The language server has stopped. Restart it from the menu of the status bar.' : undefined);
  return {
    kind: 'server',
    ready,
    trusted,
    ...(lacksModel(status) ? { lacksModel: true } : {}),
    ...(status?.model ? { model: cutMiddle(status.model.name, limits.label) } : {}),
    ...(words === undefined ? {} : { problem: cutMiddle(words, limits.problem) }),
  };
}
