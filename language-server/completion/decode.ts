/** Decodes one completion: the stop rules and the deadline end it while its text streams in. */

import { cancelled, isCancelled } from '../base/errors';
import type { Engine, Generation, RetrievedChunk } from '../engine/engine';
import type { NativeSampling } from '../engine/native/addon';
import type { Prompt } from './prompt/prompt';
import { sensibleEnd } from './stop/sensible-end';
import { applyStopRules, type StopContext } from './stop/stop-rules';
import { CodeAround } from './syntax/brackets';
import type { ErrorCounter } from './syntax/syntax';
import { CheckedEnd } from './syntax/syntax-check';

interface Decoding {
  readonly prompt: Prompt;
  readonly chunks: readonly RetrievedChunk[];
  readonly languageId: string;
  readonly maxTokens: number;
  readonly sampling: NativeSampling;
  readonly stopContext: StopContext;
  /** Absent where the language has no grammar, or it is not loaded yet. */
  readonly errors: ErrorCounter | undefined;
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
  readonly background: boolean;
}

interface Decoded {
  readonly text: string;
  /** Absent where the deadline passed before the first text. */
  readonly generation: Generation | undefined;
}

/** @throws EngineError CANCELLED when the signal aborts; the engine's others */
export async function decode(engine: Engine, decoding: Decoding): Promise<Decoded> {
  const { prompt, chunks, stopContext, errors, deadline, signal } = decoding;
  const code = new CodeAround(prompt.cursor, decoding.languageId);
  const checked = new CheckedEnd(errors, code);
  let kept = '';
  let stopped = false;
  const keep = (whole: string): boolean => {
    const text = withoutFirstSpace(whole, prompt);
    const rules = checked.goesOn ? { text: '', stop: true } : applyStopRules(text, stopContext);
    const decision = checked.decide(rules.text, rules.stop, text);
    kept = decision.text;
    stopped = decision.stop;
    return stopped;
  };
  const late = new AbortController();
  deadline.onOver(() => {
    // before the first text there is nothing to offer, and what was prefilled stays cached for the next request
    if (kept === '') {
      late.abort();
    }
  });
  try {
    const generation = await engine.generate({
      sequence: 'inline',
      tokens: prompt.tokens,
      maxTokens: decoding.maxTokens,
      sampling: decoding.sampling,
      stopTokens: markupTokens(engine),
      signal: AbortSignal.any([signal, late.signal]),
      ...(chunks.length === 0 ? {} : { chunks }),
      onText: (_delta, whole) => (keep(whole) || deadline.over ? 'stop' : 'continue'),
      ...(decoding.background ? { background: true } : {}),
    });
    if (checked.goesOn && !stopped) {
      return { text: checked.end(withoutFirstSpace(generation.text, prompt)), generation };
    }
    // the model ended the text itself, or the rules did: only what a limit has cut short may end anywhere
    const isWhole = stopped || generation.reason === 'stop-token';
    return { text: isWhole ? kept : sensibleEnd(kept, stopContext.shape.lines, code), generation };
  } catch (error) {
    if (isCancelled(error) && late.signal.aborted && !signal.aborted) {
      return { text: '', generation: undefined };
    }
    throw signal.aborted ? cancelled() : error;
  }
}

function withoutFirstSpace(whole: string, prompt: Prompt): string {
  return prompt.withoutSpace && whole.startsWith(' ') ? whole.slice(1) : whole;
}

/**
 * Tokens that begin another part of a prompt end the completion, and so does all other markup. They are recognized by their
 * ids and not by their spelling, since a program may contain the same characters.
 */
function markupTokens(engine: Engine): number[] {
  const { fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator, control } = engine.model.tokens;
  const parts = [fimPrefix, fimSuffix, fimMiddle, fimRepository, fimSeparator].filter((token) => token !== undefined);
  return [...new Set([...parts, ...control])];
}

/** The latency limit of one request. */
export interface Deadline {
  readonly over: boolean;
  /** Runs the action when the deadline passes, or at once if it has passed; one action at a time. */
  onOver(action: () => void): void;
  stop(): void;
}

/** @param milliseconds from now on; 0: no limit */
export function startDeadline(milliseconds: number): Deadline {
  let over = false;
  let action: (() => void) | undefined;
  const end = () => {
    over = true;
    action?.();
  };
  const timer = milliseconds > 0 ? setTimeout(end, milliseconds) : undefined;
  return {
    get over() {
      return over;
    },
    onOver(next) {
      action = next;
      if (over) {
        next();
      }
    },
    stop: () => clearTimeout(timer),
  };
}
