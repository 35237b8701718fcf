/** Requests of `bench repository`: a tail that nothing is cached of, one more token typed, and tokens decoded after it. */

import { setTimeout as sleep } from 'node:timers/promises';
import { isCancelled, toEngineError } from '../../language-server/base/errors';
import type { ChunkEncoder, Engine, RetrievedChunk } from '../../language-server/engine/engine';
import { concatenate } from '../../language-server/engine/native/token-parts';
import { median, percentile } from '../common/statistics';

export const tailTokens = 1024;
const decodedTokens = 33;
const greedy = { temperature: 0, topK: 1, topP: 1, seed: 0 };
/** Requests whose delay is measured, and how far they are apart at most. */
const delaySamples = 30;
const maxPauseMs = 250;

export interface RequestTimes {
  readonly firstTokenMs: number;
  readonly typedTokenMs: number;
  readonly decodeMsPerToken: number;
  readonly reusedTokens: number;
}

/** A request that reads so many tokens of the repository, repeated where there are fewer: then the text means nothing. */
export function chunksOfTokens(chunks: readonly RetrievedChunk[], tokens: number): RetrievedChunk[] {
  const chosen: RetrievedChunk[] = [];
  let sum = 0;
  for (let i = 0; sum < tokens && chunks.length > 0; i++) {
    const next = chunks[i % chunks.length];
    if (next === undefined) {
      break;
    }
    chosen.push(next);
    sum += next.chunk.tokens;
  }
  return chosen;
}

/**
 * @param text tokens that tails are cut from: every turn another part
 * @param choose the chunks for a text around the cursor; its time is the request's
 */
export async function timeRequests(
  engine: Engine,
  repository: ChunkEncoder,
  text: Int32Array,
  turn: number,
  choose: () => readonly RetrievedChunk[],
  signal: AbortSignal,
): Promise<RequestTimes> {
  const tail = tailOf(engine, text, turn);
  const common = { sequence: 'inline', sampling: greedy, signal } as const;
  const started = performance.now();
  const chunks = choose();
  const choosing = performance.now() - started;
  const base = concatenate([repository.anchor, tail.slice(0, tailTokens)]);
  const first = await engine.generate({ ...common, tokens: base, maxTokens: 1, chunks });
  const typed = concatenate([base, tail.slice(tailTokens, tailTokens + 1)]);
  const second = await engine.generate({ ...common, tokens: typed, maxTokens: decodedTokens, chunks });
  return {
    firstTokenMs: choosing + first.stats.queueMs + first.stats.firstTokenMs,
    typedTokenMs: choosing + second.stats.queueMs + second.stats.firstTokenMs,
    decodeMsPerToken: second.stats.decodeMs / Math.max(1, second.stats.decodedTokens - 1),
    reusedTokens: first.stats.reusedTokens,
  };
}

/** One token more than a tail: the one that is typed. It begins with the turn's number, so that nothing is cached of it. */
function tailOf(engine: Engine, text: Int32Array, turn: number): Int32Array {
  const head = engine.tokenize(`${turn} `);
  const length = tailTokens + 1 - head.length;
  const from = (turn * 4099) % Math.max(1, text.length - length);
  return concatenate([head, text.slice(from, from + length)]);
}

export interface EncodingDelay {
  readonly samples: number;
  /** How much later a typed token comes while encoding runs, compared with the median without encoding. */
  readonly medianMs: number;
  readonly p95Ms: number;
}

/**
 * The delay that encoding adds to a first token: requests at odd moments while chunks are encoded without a pause.
 * @param fresh chunks that are in no store
 */
export async function measureDelay(
  engine: Engine,
  repository: ChunkEncoder,
  text: Int32Array,
  chunks: readonly RetrievedChunk[],
  fresh: readonly Int32Array[],
  signal: AbortSignal,
): Promise<EncodingDelay> {
  const ask = async (count: number): Promise<number> => {
    const tokens = concatenate([
      repository.anchor,
      tailOf(engine, text, 0).slice(0, tailTokens - delaySamples + count),
    ]);
    const started = performance.now();
    await engine.generate({ sequence: 'inline', sampling: greedy, signal, tokens, maxTokens: 1, chunks });
    return performance.now() - started;
  };
  await ask(0);
  const idle: number[] = [];
  for (let i = 1; i < delaySamples; i++) {
    idle.push(await ask(i));
  }
  const ending = new AbortController();
  const encoding = encodeOn(repository, fresh, AbortSignal.any([signal, ending.signal]));
  const busy: number[] = [];
  try {
    await ask(0);
    for (let i = 1; i < delaySamples; i++) {
      await sleep((i * 97) % maxPauseMs, undefined, { signal });
      busy.push(await ask(i));
    }
  } finally {
    ending.abort();
    await encoding;
  }
  const usual = median(idle);
  const added = busy.map((ms) => Math.max(0, ms - usual));
  return { samples: added.length, medianMs: median(added), p95Ms: percentile(added, 0.95) };
}

/** Until the signal aborts. */
async function encodeOn(repository: ChunkEncoder, fresh: readonly Int32Array[], signal: AbortSignal): Promise<void> {
  try {
    for (let round = 0; !signal.aborted; round++) {
      for (const tokens of fresh) {
        // another length is another chunk
        const encoded = await repository.encode([tokens.slice(round + 1)], signal);
        for (const chunk of encoded) {
          chunk.dispose();
        }
      }
    }
  } catch (error) {
    if (!isCancelled(toEngineError(error))) {
      throw error;
    }
  }
}
