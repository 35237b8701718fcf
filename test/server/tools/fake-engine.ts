/**
 * An engine without a model, for tests of the server: deterministic, as slow as asked, cancellable everywhere. One
 * token is one byte of UTF-8; ids from 256 on are special. Requests run one at a time, inline before chat.
 */

import { doneOrAborted, linkSignals } from '../../../language-server/base/cancellable';
import { cancelled, EngineError, type ErrorCode } from '../../../language-server/base/errors';
import { TextStream } from '../../../language-server/base/text';
import {
  type Attention,
  attentionBlockTokens,
  type CalibrationRun,
  type Engine,
  type EngineCalibration,
  type EngineMeasurement,
  type EngineOptions,
  type Generation,
  type GenerationRequest,
  type RetrievedChunk,
  type SequenceName,
} from '../../../language-server/engine/engine';
import type { NativeContextUsage, NativeModelInfo } from '../../../language-server/engine/native/addon';
import { FakeChunkEncoder, type FakeChunkEncoderOptions } from './fake-chunk-encoder';

export interface FakeOptions {
  readonly loadMs?: number;
  readonly failLoad?: { readonly code: ErrorCode; readonly message: string };
  readonly prefillMs?: number;
  /** Between two tokens. */
  readonly tokenMs?: number;
  /** The first whose `when` stands in the prompt; '' stands in every one. */
  readonly answers?: readonly { readonly when: string; readonly text: string }[];
  /** Answers of requests with a temperature, by seed: 1 gets the first. */
  readonly samples?: readonly string[];
  readonly fillInTheMiddle?: boolean;
  readonly separator?: boolean;
  readonly contextTokens?: number;
  readonly chatTemplate?: string;
  /** The server's: without a request for so long, the meter measures. */
  readonly idleMs?: number;
  /** A calibrated engine, whose steps are sparse from so many cached tokens on; measuring takes `measureMs`. */
  readonly fasaFromTokens?: number;
  readonly measureMs?: number;
  /** The model has no calibration: each document takes so long. */
  readonly calibration?: { readonly documentMs: number; readonly fails?: boolean };
  /** Absent: the engine reads no repository. */
  readonly repository?: FakeChunkEncoderOptions;
  /** With countAttention: half of the attention goes to the blocks that this text begins in, the rest to all alike. */
  readonly looksAt?: string;
  /** A text that is to become no token: each time that it does is an event. */
  readonly watchFor?: string;
}

export const fakeTokens = {
  bos: 256,
  endOfText: 257,
  fimPrefix: 258,
  fimSuffix: 259,
  fimMiddle: 260,
  fimRepository: 261,
  fimSeparator: 262,
  turnStart: 263,
  turnEnd: 264,
} as const;

const markup: readonly (readonly [string, number])[] = [
  ['<|im_start|>', fakeTokens.turnStart],
  ['<|im_end|>', fakeTokens.turnEnd],
];

const chatMl =
  "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

const kvBytesPerToken = 1024;
const maxEvents = 1000;
const maxPrompts = 100;

interface Waiting {
  readonly priority: number;
  start(): void;
}

/** As the file that a calibration writes: an engine that is loaded after it has one. */
let calibrationWritten = false;

export class FakeEngine implements Engine {
  readonly calibration: EngineCalibration | undefined;
  #documentsDone = 0;
  readonly model: NativeModelInfo;
  readonly contextTokens: number;
  readonly attention: Engine['attention'];
  readonly device: Engine['device'];
  readonly chunks: FakeChunkEncoder | undefined;
  /** What happened, in order: `prefill`, `decode`, `cancelled in decode`, ... */
  readonly events: string[] = [];
  /** The prompts of the last requests that started. */
  readonly prompts: Int32Array[] = [];
  readonly #options: FakeOptions;
  readonly #onEvent: (event: string) => void;
  readonly #kv = new Map<SequenceName, Int32Array>();
  readonly #closing = new AbortController();
  #waiting: Waiting[] = [];
  #running = false;
  #measuring: AbortController | undefined;

  constructor(options: FakeOptions = {}, engine: Partial<EngineOptions> = {}, onEvent?: (event: string) => void) {
    this.#options = options;
    this.#onEvent = onEvent ?? (() => undefined);
    this.contextTokens = options.contextTokens ?? 4096;
    this.attention = {
      mode: engine.attention ?? 'auto',
      budget: engine.budget ?? 256,
      calibrated: calibrationWritten || options.fasaFromTokens !== undefined,
    };
    this.device = { kind: 'cpu', name: 'Fake', threads: 1, memoryFree: 1e9, memoryTotal: 2e9 };
    this.model = fakeModel(options, engine.modelPath ?? 'fake.gguf');
    this.calibration =
      options.calibration === undefined || calibrationWritten ? undefined : { run: (run) => this.#calibrate(run) };
    if (options.repository !== undefined) {
      this.#event(`chunks of ${engine.store?.rowType ?? 'no store'}`);
    }
    this.chunks =
      options.repository === undefined
        ? undefined
        : new FakeChunkEncoder(options.repository, {
            rowType: engine.store?.rowType ?? 'f16',
            step: (milliseconds, signal) => this.#step(milliseconds, AbortSignal.any([signal, this.#closing.signal])),
            onEvent: (event) => this.#event(event),
            anchor: Int32Array.of(fakeTokens.bos, ...this.tokenize('anchor\n')),
            textOf,
          });
  }

  tokenize(text: string): Int32Array {
    const { watchFor } = this.#options;
    if (watchFor !== undefined && text.includes(watchFor)) {
      this.#event('the watched text became tokens');
    }
    return Int32Array.from(Buffer.from(text, 'utf8'));
  }

  tokenizeTemplate(text: string): Int32Array {
    const tokens: number[] = [];
    for (let rest = text; rest !== ''; ) {
      const special = markup.find(([name]) => rest.startsWith(name));
      if (special === undefined) {
        const point = String.fromCodePoint(rest.codePointAt(0) ?? 0);
        tokens.push(...Buffer.from(point, 'utf8'));
        rest = rest.slice(point.length);
      } else {
        tokens.push(special[1]);
        rest = rest.slice(special[0].length);
      }
    }
    return Int32Array.from(tokens);
  }

  get fasaFromTokens(): number | undefined {
    return this.#options.fasaFromTokens;
  }

  async measure(sequence: SequenceName, signal: AbortSignal): Promise<EngineMeasurement> {
    const { tokens } = this.usage(sequence);
    if (tokens < 64) {
      throw new EngineError('TOO_FEW_TOKENS', `There are ${tokens} tokens in the cache.`);
    }
    const own = new AbortController();
    this.#measuring = own;
    this.#event(`measure ${sequence}`);
    await this.#pause(
      this.#options.measureMs ?? 0,
      AbortSignal.any([signal, own.signal, this.#closing.signal]),
      'measure',
    );
    this.#event('measured');
    return { atTokens: tokens, fasaMsPerToken: 2, denseMsPerToken: 5, kl: [0, 0.02, 0.01, 0.01], agreeing: 3 };
  }

  async generate(request: GenerationRequest): Promise<Generation> {
    this.#measuring?.abort();
    const { signal, release } = linkSignals(
      request.signal === undefined ? [this.#closing.signal] : [this.#closing.signal, request.signal],
    );
    const priority = request.background === true ? -1 : request.sequence === 'inline' ? 1 : 0;
    try {
      await this.#turn(priority, signal);
      try {
        return await this.#run(request, signal);
      } finally {
        this.#running = false;
        this.#next();
      }
    } finally {
      release();
    }
  }

  usage(sequence: SequenceName): NativeContextUsage {
    const tokens = this.#kv.get(sequence)?.length ?? 0;
    return {
      tokens,
      contextTokens: this.contextTokens,
      fullBytes: tokens * kvBytesPerToken,
      fastBytes: (tokens * kvBytesPerToken) / 2,
      slowBytes: 0,
      importanceBytes: 0,
    };
  }

  async dispose(): Promise<void> {
    this.#event('disposed');
    this.#closing.abort();
  }

  async #turn(priority: number, signal: AbortSignal, event = 'queued'): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const start = () => {
        // a signal with a listener is kept for ever
        signal.removeEventListener('abort', abort);
        resolve();
      };
      const waiting: Waiting = { priority, start };
      const abort = () => {
        if (this.#waiting.includes(waiting)) {
          this.#waiting = this.#waiting.filter((other) => other !== waiting);
          if (event !== '') {
            this.#event('cancelled in queue');
          }
          reject(cancelled());
        }
      };
      signal.addEventListener('abort', abort);
      this.#waiting.push(waiting);
      if (event !== '') {
        this.#event(event);
      }
      this.#next();
      if (signal.aborted) {
        abort();
      }
    });
  }

  #next(): void {
    if (this.#running) {
      return;
    }
    const best = this.#waiting.toSorted((left, right) => right.priority - left.priority)[0];
    if (best !== undefined) {
      this.#waiting = this.#waiting.filter((other) => other !== best);
      this.#running = true;
      best.start();
    }
  }

  /** Work behind all requests, which pass between two steps. */
  async #step(milliseconds: number, signal: AbortSignal): Promise<void> {
    await this.#turn(-2, signal, '');
    try {
      await this.#pause(milliseconds, signal, 'encode');
    } finally {
      this.#running = false;
      this.#next();
    }
  }

  /** In slices of 10 ms that requests come between; a document that was not ended begins again. */
  async #calibrate({ documents, signal, onProgress }: CalibrationRun): Promise<void> {
    const { documentMs = 0, fails = false } = this.#options.calibration ?? {};
    const all = AbortSignal.any([signal, this.#closing.signal]);
    for (; this.#documentsDone < documents.length; this.#documentsDone++) {
      this.#event(`calibrates ${this.#documentsDone + 1} of ${documents.length}`);
      for (let spent = 0; spent < documentMs; spent += 10) {
        await this.#step(10, all);
        onProgress?.((this.#documentsDone + spent / documentMs) / documents.length);
      }
      if (fails) {
        throw new EngineError('OUT_OF_MEMORY', 'There is no memory left.');
      }
    }
    calibrationWritten = true;
    this.#event('calibrated');
  }

  async #run(request: GenerationRequest, signal: AbortSignal): Promise<Generation> {
    const { sequence, tokens, maxTokens, chunks } = request;
    if (chunks !== undefined) {
      this.#event(`reads ${this.chunks?.describe(chunks) ?? 'chunks of another engine'}`);
    }
    const started = performance.now();
    this.prompts.push(tokens);
    // a benchmark asks hundreds of times
    this.prompts.splice(0, this.prompts.length - maxPrompts);
    const reusedTokens = commonPrefix(this.#kv.get(sequence) ?? new Int32Array(), tokens);
    this.#event(`prefill of ${tokens.length - reusedTokens} (${reusedTokens} reused)`);
    request.onProgress?.(0, tokens.length);
    await this.#pause(this.#options.prefillMs ?? 0, signal, 'prefill');
    this.#kv.set(sequence, tokens);
    const prefillMs = performance.now() - started;
    this.#event('decode');
    const text = new TextStream();
    const { temperature, seed } = request.sampling;
    const sample = temperature > 0 ? this.#options.samples?.[seed - 1] : undefined;
    const answer = Buffer.from(sample ?? this.#answer(tokens), 'utf8');
    let decoded = 0;
    let reason: Generation['reason'] = 'stop-token';
    for (const byte of answer) {
      if (decoded === maxTokens) {
        reason = 'length';
        break;
      }
      await this.#pause(this.#options.tokenMs ?? 0, signal, 'decode');
      decoded++;
      const delta = text.push(Uint8Array.of(byte));
      if (delta !== '' && request.onText?.(delta, text.whole) === 'stop') {
        reason = 'stopped';
        break;
      }
    }
    this.#event(`done after ${decoded}`);
    const decodeMs = performance.now() - started - prefillMs;
    return {
      text: text.whole,
      tokens: decoded,
      reason,
      stats: {
        reusedTokens,
        fedTokens: tokens.length - reusedTokens,
        decodedTokens: decoded,
        queueMs: 0,
        prefillMs,
        firstTokenMs: prefillMs,
        decodeMs,
        fasaSteps: 0,
        bytesReadPerToken: kvBytesPerToken,
      },
      ...(request.countAttention === true ? { attention: this.#attention(tokens, request.chunks ?? []) } : {}),
    };
  }

  #attention(tokens: Int32Array, chunks: readonly RetrievedChunk[]): Attention {
    const wanted = this.#options.looksAt;
    // one token is one byte, and the address of a chunk is its text; nothing is looked for in special tokens
    const prompt = Buffer.from([...tokens].map((token) => (token < 256 ? token : 0)));
    const blocks = [...chunks.map(({ chunk }) => Buffer.from(chunk.address, 'utf8')), prompt].map((bytes, index) => {
      const length = chunks[index]?.chunk.tokens ?? bytes.length;
      const at = wanted === undefined ? -1 : bytes.indexOf(wanted);
      const first = at < 0 ? -1 : Math.floor(at / attentionBlockTokens);
      return Array.from({ length: Math.ceil(length / attentionBlockTokens) }, (_, block) => block === first);
    });
    const all = blocks.flat();
    const looked = Math.max(1, all.filter(Boolean).length);
    const sharesOf = (hits: readonly boolean[] = []) =>
      Float32Array.from(hits, (hit) => (hit ? 0.5 / looked : 0) + 0.5 / all.length);
    return {
      chunks: chunks.map(({ chunk }, index) => ({ chunk, shares: sharesOf(blocks[index]) })),
      own: sharesOf(blocks.at(-1)),
    };
  }

  async #pause(milliseconds: number, signal: AbortSignal, where: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const over = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await doneOrAborted(over, signal);
    clearTimeout(timer);
    if (signal.aborted) {
      this.#event(`cancelled in ${where}`);
      throw cancelled();
    }
  }

  #answer(prompt: Int32Array): string {
    const text = textOf(prompt);
    return this.#options.answers?.find(({ when }) => text.includes(when))?.text ?? '';
  }

  #event(event: string): void {
    // hours of a soak are not kept
    if (this.events.length >= maxEvents) {
      this.events.splice(0, maxEvents / 2);
    }
    this.events.push(event);
    this.#onEvent(event);
  }
}

/** What a fake engine's tokens say; special ones as `{id}`. */
export function textOf(tokens: Int32Array): string {
  const parts: Buffer[] = [...tokens].map((token) =>
    token < 256 ? Buffer.from([token]) : Buffer.from(`{${token}}`, 'utf8'),
  );
  return Buffer.concat(parts).toString('utf8');
}

/** As the real factory: reports progress, can fail, can be cancelled. */
export async function createFakeEngine(
  options: FakeOptions,
  engine: EngineOptions,
  onEvent?: (event: string) => void,
): Promise<FakeEngine> {
  const steps = 10;
  for (let step = 0; step < steps; step++) {
    await new Promise<void>((resolve) => {
      setTimeout(resolve, (options.loadMs ?? 0) / steps);
      engine.signal?.addEventListener('abort', () => resolve(), { once: true });
    });
    if (engine.signal?.aborted === true) {
      onEvent?.('load cancelled');
      throw cancelled();
    }
    engine.onProgress?.((step + 1) / steps);
  }
  if (options.failLoad !== undefined) {
    throw new EngineError(options.failLoad.code, options.failLoad.message);
  }
  onEvent?.(`loaded ${engine.modelPath}`);
  return new FakeEngine(options, engine, onEvent);
}

function commonPrefix(left: Int32Array, right: Int32Array): number {
  let length = 0;
  while (length < left.length && length < right.length - 1 && left[length] === right[length]) {
    length++;
  }
  return length;
}

function fakeModel(options: FakeOptions, path: string): NativeModelInfo {
  const middle = options.fillInTheMiddle === true;
  const separator = options.separator === true;
  return {
    path,
    name: 'Fake',
    architecture: 'llama',
    parameters: 1,
    quantization: 'f32',
    bytes: 1,
    fingerprint: 'fake',
    trainedContext: 4096,
    layers: 1,
    heads: 1,
    kvHeads: 1,
    headSize: 64,
    embedding: 64,
    vocabulary: 265,
    ropeLayout: 'norm',
    kvBytesPerToken,
    chatTemplate: options.chatTemplate ?? chatMl,
    tokens: {
      bos: fakeTokens.bos,
      eos: fakeTokens.endOfText,
      addBos: true,
      endOfGeneration: [fakeTokens.endOfText, fakeTokens.turnEnd],
      control: [fakeTokens.bos, fakeTokens.turnStart, fakeTokens.turnEnd, fakeTokens.endOfText],
      fimPrefix: middle ? fakeTokens.fimPrefix : undefined,
      fimSuffix: middle ? fakeTokens.fimSuffix : undefined,
      fimMiddle: middle ? fakeTokens.fimMiddle : undefined,
      fimRepository: separator ? fakeTokens.fimRepository : undefined,
      fimSeparator: separator ? fakeTokens.fimSeparator : undefined,
    },
  };
}
