/** Keeps the earlier turns of each conversation as tokens, so that a question reuses the prefix that is in the KV cache. */

import { toLf, wellFormed } from '../base/text';
import type { Engine } from '../engine/engine';
import type { AskTurn } from '../protocol/server';
import { withoutFirstThought } from '../protocol/thoughts';
import type { ChatMessage } from './chat-message';

export interface Turn extends AskTurn {
  readonly asked: ChatMessage;
  readonly answered: ChatMessage;
}

const maxTurns = 8;
const maxConversations = 16;
/** Estimate of the tokens that the template adds to the two messages of a turn. */
const templateTokens = 16;

export class Conversations {
  readonly #turns = new Map<string, readonly Turn[]>();

  clear(): void {
    this.#turns.clear();
  }

  /**
   * The turns before a question. If the client sends a history, its turns count: one that is remembered keeps the files it was
   * asked with; any other (from before a restart, or stopped half-way) is its question and answer alone.
   */
  before(engine: Engine, conversation: string, history: readonly AskTurn[] | undefined): readonly Turn[] {
    const known = this.#turns.get(conversation) ?? [];
    if (history === undefined) {
      return known;
    }
    return history
      .slice(-maxTurns)
      .map(
        (turn) =>
          known.find((other) => other.question === turn.question && other.answer === turn.answer) ??
          plain(engine, turn),
      );
  }

  remember(conversation: string, kept: readonly Turn[], turn: Turn): void {
    this.#turns.delete(conversation);
    if (conversation === '') {
      return;
    }
    this.#turns.set(conversation, [...kept, turn].slice(-maxTurns));
    const oldest = this.#turns.keys().next();
    if (this.#turns.size > maxConversations && oldest.done !== true) {
      this.#turns.delete(oldest.value);
    }
  }
}

export function turnTokens(turn: Turn): number {
  return turn.asked.content.length + turn.answered.content.length + templateTokens;
}

/** The latest turns that fit into so many tokens. */
export function recentTurns(turns: readonly Turn[], room: number): Turn[] {
  const kept: Turn[] = [];
  let left = room;
  for (const turn of turns.toReversed()) {
    left -= turnTokens(turn);
    if (left < 0) {
      break;
    }
    kept.unshift(turn);
  }
  return kept;
}

function plain(engine: Engine, { question, answer }: AskTurn): Turn {
  return {
    question,
    answer,
    asked: { role: 'user', content: engine.tokenize(wellFormed(toLf(question))) },
    answered: { role: 'assistant', content: engine.tokenize(wellFormed(withoutFirstThought(toLf(answer)))) },
  };
}
