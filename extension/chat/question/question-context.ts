/** The context of a question within the limits of what is sent and stored. The user is told what exceeds them. */

import { createHash } from 'node:crypto';
import type { Candidate, Chip, MentionKind } from '../../../language-server/protocol/chat-page';
import { cutMiddle, startOf } from '../../../language-server/protocol/cut';
import { formatCount } from '../../../language-server/protocol/format';
import { limits } from '../../../language-server/protocol/limits';
import type { AskSelection, AskSizePart } from '../../../language-server/protocol/server';
import { UserError } from '../../errors';

/** The context as the editor has it now. */
export interface QuestionContext {
  readonly chips: readonly Chip[];
  readonly references: readonly { readonly uri: string }[];
  readonly selection?: AskSelection;
  readonly attachments: readonly Attachment[];
  /** Items that could not be read. */
  readonly unread?: readonly { readonly label: string; readonly reason: string }[];
}

export interface Attachment {
  readonly label: string;
  readonly text: string;
  /** The files that the text comes from, so that the server can leave out secrets. */
  readonly uris?: readonly string[];
}

/** @param key what distinguishes it from all others of its kind, of any length: a URI, a place */
export function candidateOf(kind: MentionKind, key: string, label: string, detail?: string): Candidate {
  return {
    id: `${kind}-${createHash('sha256').update(key).digest('base64url')}`,
    kind,
    label: cutMiddle(label, limits.label),
    ...(detail === undefined ? {} : { detail: cutMiddle(detail, limits.label) }),
  };
}

export interface BoundedContext extends QuestionContext {
  /** What is left out or cut, which is shown to the user with the size of the question. */
  readonly left: readonly AskSizePart[];
}

export function boundContext({
  chips,
  references,
  selection,
  attachments,
  unread = [],
}: QuestionContext): BoundedContext {
  const left: AskSizePart[] = [];
  const leave = (kind: AskSizePart['kind'], label: string, reason: string) =>
    left.push({ kind, label: cutMiddle(label, limits.label), includedTokens: 0, reason });
  for (const { label, reason } of unread) {
    leave('attachment', label, reason);
  }
  const short = references.filter(({ uri }) => {
    const fits = uri.length <= limits.uri;
    if (!fits) {
      leave('file', uri, 'its URI is too long');
    }
    return fits;
  });
  if (short.length > limits.references) {
    const reason = `at most ${limits.references} files and folders can be attached`;
    leave('file', andMore(short, limits.references), reason);
  }
  const named = attachments.filter(({ label, uris = [] }) => {
    const fits = uris.length <= limits.references && uris.every((uri) => uri.length <= limits.uri);
    if (!fits) {
      leave('attachment', label, 'the URI of its file is too long');
    }
    return fits;
  });
  if (named.length > limits.attachments) {
    const reason = `at most ${limits.attachments} texts can be attached`;
    leave('attachment', andMore(named, limits.attachments), reason);
  }
  let room: number = limits.textsTogether;
  const cut = (kind: AskSizePart['kind'], label: string, text: string, withNote: boolean): string => {
    const max = Math.min(room, limits.text);
    const kept = text.length <= max ? text : withNote ? cutWithNote(text, max) : startOf(text, max);
    if (text.length > max) {
      leave(kind, label, 'too long: only its beginning is included');
    }
    room -= kept.length;
    return kept;
  };
  const place = selection !== undefined && selection.uri.length <= limits.uri ? selection : undefined;
  if (selection !== undefined && place === undefined) {
    leave('selection', selection.uri, 'its URI is too long');
  }
  // a note in a selection would keep it from being found in its document
  const bounded = place && { ...place, text: cut('selection', 'The selection', place.text, false) };
  return {
    chips: boundChips(chips),
    references: short.slice(0, limits.references),
    attachments: named.slice(0, limits.attachments).map(({ label, text, uris }) => ({
      label: cutMiddle(label, limits.label),
      text: cut('attachment', label, text, true),
      ...(uris === undefined ? {} : { uris }),
    })),
    ...(bounded === undefined ? {} : { selection: bounded }),
    left,
  };
}

/** Limits the chips to as many as can be shown; the last one stands for all others. */
function boundChips(chips: readonly Chip[]): readonly Chip[] {
  const short = chips.map((chip, index) => ({
    ...chip,
    id: chip.id.length > limits.id ? `long-${index}` : chip.id,
    label: cutMiddle(chip.label, limits.label),
    ...(chip.detail === undefined ? {} : { detail: cutMiddle(chip.detail, limits.label) }),
  }));
  const [first] = short.slice(limits.chips - 1);
  if (short.length <= limits.chips || first === undefined) {
    return short;
  }
  const shown = short.slice(0, limits.chips - 1);
  return [...shown, { id: 'more', kind: first.kind, label: andMore(short, shown.length) }];
}

function andMore(list: readonly unknown[], max: number): string {
  return `and ${list.length - max} more`;
}

/** Cuts a text with a note that the model reads as well. */
function cutWithNote(text: string, max: number): string {
  const words = `\n[Truncated: the whole text has ${text.length} characters.]`;
  return max <= words.length ? '' : `${startOf(text, max - words.length)}${words}`;
}

/** @throws UserError */
export function checkQuestion(text: string): void {
  if (text.length > limits.question) {
    throw new UserError(
      `The question has ${formatCount(text.length)} characters; the maximum is ${formatCount(limits.question)}. ` +
        'Put the long text into a file and add it with @file.',
    );
  }
}
