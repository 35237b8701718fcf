/** Writes a conversation as JSON that the store can read. Over the limit, the oldest and largest parts are left out. */

import { startOf } from '../../../language-server/protocol/cut';
import { limits } from '../../../language-server/protocol/limits';
import type { Conversation } from './conversation';

const gone = '[This text was too large to be stored with the conversation.]';
const maxSelection = 64 * 1024;

interface StoredJson {
  readonly json: string;
  /** What was left out, in words. */
  readonly left: readonly string[];
}

export function storedJson(
  conversation: Conversation & { readonly version: number },
  max: number = limits.conversationFile,
): StoredJson {
  let json = sizedJson(conversation, max);
  if (json !== undefined) {
    return { json, left: [] };
  }
  // the context of questions is the largest part, and is in the workspace as well
  const without = conversation.asked.map(({ selection, attachments, ...one }) => ({
    ...one,
    ...(selection === undefined ? {} : { selection: { ...selection, text: startOf(selection.text, maxSelection) } }),
    attachments: attachments.map(({ label, text }) => ({ label, text: text.length > gone.length ? gone : text })),
  }));
  const { turns } = conversation;
  const texts = 'the texts that were attached to questions';
  for (let last = Math.min(4, without.length); ; last >>= 1) {
    const kept = conversation.asked.slice(without.length - last);
    json = sizedJson({ ...conversation, asked: [...without.slice(0, without.length - last), ...kept] }, max);
    if (json !== undefined || last === 0) {
      break;
    }
  }
  if (json !== undefined) {
    return { json, left: [`${texts}, except the last ones`] };
  }
  // if that is not enough, the oldest turns are left out
  for (
    let first = Math.max(1, turns.length >> 3);
    first < turns.length;
    first += Math.max(1, (turns.length - first) >> 2)
  ) {
    const there = new Set(turns.slice(first).map(({ id }) => id));
    json = sizedJson(
      { ...conversation, turns: turns.slice(first), asked: without.filter(({ turn }) => there.has(turn)) },
      max,
    );
    if (json !== undefined) {
      return { json, left: [texts, `the first ${first} of ${turns.length} questions`] };
    }
  }
  throw new Error('It is too large to be stored.');
}

/** @returns undefined when it is longer than the maximum, or than any string can be */
function sizedJson(value: object, max: number): string | undefined {
  try {
    const json = JSON.stringify(value);
    return json.length <= max ? json : undefined;
  } catch (error) {
    if (error instanceof RangeError) {
      return undefined;
    }
    throw error;
  }
}
