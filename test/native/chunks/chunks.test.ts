/** Chunks: encoded alone behind the anchor, read beside a sequence without being written again. */

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LaboratoryModel } from '../../../bench/common/addon';
import type {
  NativeCalibration,
  NativeChunk,
  NativeEncoder,
  NativeRepository,
} from '../../../language-server/engine/native/addon';
import { compareLogits } from '../tools/kl';
import { Random } from '../tools/random';
import { type TinyModelOptions, tinyTextTokens } from '../tools/tiny-model';
import { denseLogits, failureOf, greedy, threads, useWorkshop } from '../tools/workshop';
import { ChunkFile } from './chunk-file';

const workshop = useWorkshop();
const random = new Random(77);
const text = (length: number) => random.tokens(length, 0, tinyTextTokens);
const anchor = text(9);
const address = (name: string) => name.padEnd(40, '0');

const models: TinyModelOptions[] = [
  { architecture: 'llama', heads: 3, kvHeads: 1 },
  { architecture: 'qwen2', heads: 4, kvHeads: 2, feedForward: 128 },
  { architecture: 'qwen3', heads: 4, kvHeads: 1, headSize: 128, feedForward: 128 },
];

/** Every second FC of every head. */
function everySecond(model: LaboratoryModel): NativeCalibration {
  const one = Array.from({ length: model.info.headSize / 4 }, (_, i) => 2 * i);
  return {
    dominantFcs: Array.from({ length: model.info.layers }, () => Array.from({ length: model.info.kvHeads }, () => one)),
  };
}

function encoderOf(
  model: LaboratoryModel,
  change: Partial<Parameters<LaboratoryModel['createEncoder']>[0]> = {},
): NativeEncoder {
  return model.createEncoder({
    anchor,
    threads,
    calibration: everySecond(model),
    rowType: 'f16',
    tier: 'fasa-m',
    chunkTokens: 512,
    microBatch: 48,
    ...change,
  });
}

interface Encoding {
  readonly folder?: string;
  readonly onProgress?: (tokens: number) => void;
}

function encode(encoder: NativeEncoder, pieces: readonly Int32Array[], { folder, onProgress }: Encoding = {}) {
  const sources = pieces.map((tokens, i) => ({
    tokens,
    address: address(`piece-${i}-`),
    ...(folder === undefined ? {} : { file: path.join(folder, `${i}.kv`) }),
  }));
  return encoder.encode(sources, { priority: 0 }, onProgress ?? (() => {}));
}

const folderOf = () => mkdtempSync(path.join(workshop.folder, 'chunks-'));

/** Logits of the tail over anchor, chunks and tail; all of the tail sees the chunks. */
function composed(
  model: LaboratoryModel,
  tail: Int32Array,
  repository: Omit<NativeRepository, 'lateTokens'>,
  { budget = 4096, tailPosition = anchor.length + 512, late = 4096, dense = false } = {},
): Promise<Float32Array> {
  const context = workshop.context(model, {
    contextTokens: 1024,
    calibration: everySecond(model),
    composition: { anchorTokens: anchor.length, tailPosition },
  });
  const tokens = Int32Array.from([...anchor, ...tail]);
  return context.evaluate({
    tokens,
    from: anchor.length,
    stepwise: false,
    attention: dense ? 'dense' : 'fasa-c',
    budget,
    fasaFromTokens: 0,
    repository: { ...repository, lateTokens: late },
  }).promise;
}

/** f16 rows, other sums of the same numbers. */
const sameKl = 1e-4;

function expectSame(a: Float32Array, b: Float32Array, vocabulary: number, most = sameKl): void {
  expect(a.length).toBe(b.length);
  expect(compareLogits(a, b, vocabulary).maxKl).toBeLessThan(most);
}

describe.each(models)('%o', (options) => {
  it('a chunk has the same keys and values whether encoded alone or with others', async () => {
    const model = await workshop.model(options);
    const pieces = [text(130), text(60), text(1), text(200), text(300)];
    const together = folderOf();
    await encode(encoderOf(model), pieces, { folder: together }).promise;
    for (const [i, piece] of pieces.entries()) {
      const alone = folderOf();
      await encode(encoderOf(model, { microBatch: 512 }), [piece], { folder: alone }).promise;
      const a = new ChunkFile(readFileSync(path.join(together, `${i}.kv`)));
      const b = new ChunkFile(readFileSync(path.join(alone, '0.kv')));
      expect(a.tokens).toBe(piece.length);
      expect(a.largestDifference(b)).toBeLessThan(0.02);
      // and they are no zeros
      expect(a.largestValue()).toBeGreaterThan(0.1);
    }
  });

  it('the chunks of one text, cut from its keys and values, are read as its plain dense prefill', async () => {
    const model = await workshop.model(options);
    const encoder = encoderOf(model);
    const folder = folderOf();
    const [whole, tail] = [text(355), text(40)];
    await encode(encoder, [whole], { folder }).promise;
    const file = new ChunkFile(readFileSync(path.join(folder, '0.kv')));
    const chunks: NativeChunk[] = [];
    for (const [page, tokens] of [128, 128, 99].entries()) {
      const name = path.join(folder, `part-${page}.kv`);
      writeFileSync(name, file.slice(page, tokens, address(`part-${page}-`)));
      chunks.push(await encoder.open(name, address(`part-${page}-`), { priority: 0 }).promise);
    }
    const tailPosition = anchor.length + whole.length;
    const tokens = Int32Array.from([...anchor, ...whole, ...tail]);
    const plain = await denseLogits(workshop.context(model, { contextTokens: 1024 }), tokens, tailPosition);
    const { vocabulary } = model.info;
    expectSame(plain, await composed(model, tail, { chunks }, { tailPosition }), vocabulary);
    expectSame(plain, await composed(model, tail, { chunks }, { tailPosition, dense: true }), vocabulary);
    // any order, and the tail does need them
    expectSame(plain, await composed(model, tail, { chunks: chunks.toReversed() }, { tailPosition }), vocabulary);
    const without = await composed(model, tail, { chunks: chunks.slice(1) }, { tailPosition });
    expect(compareLogits(plain, without, vocabulary).maxKl).toBeGreaterThan(10 * sameKl);
  });

  it('q8_0 rows are close to f16 rows, and smaller', async () => {
    const model = await workshop.model(options);
    const [piece, tail] = [text(300), text(30)];
    const [exact] = (await encode(encoderOf(model), [piece]).promise) as [NativeChunk];
    let rounded: NativeChunk;
    try {
      [rounded] = (await encode(encoderOf(model, { rowType: 'q8_0' }), [piece]).promise) as [NativeChunk];
    } catch (error) {
      // kernels for them may be missing on a platform: then they are refused, not misread
      expect(error).toMatchObject({ code: 'UNSUPPORTED_MODEL' });
      return;
    }
    expect(rounded.fastBytes).toBeLessThan(exact.fastBytes * 0.7);
    const a = await composed(model, tail, { chunks: [exact] });
    const b = await composed(model, tail, { chunks: [rounded] });
    expectSame(a, b, model.info.vocabulary, 5e-3);
  });
});

describe('selection among chunks', () => {
  const options = models[1] ?? { architecture: 'qwen2' };

  it('only late tokens see the chunks', async () => {
    const model = await workshop.model(options);
    const chunks = await encode(encoderOf(model), [text(200)]).promise;
    const tail = text(60);
    const none = await composed(model, tail, { chunks: [] });
    const late = await composed(model, tail, { chunks }, { late: 0 + 1 });
    const { vocabulary } = model.info;
    // lateTokens counts back from the first scored token: here only the anchor's end is before it
    expect(compareLogits(none, late, vocabulary).maxKl).toBeGreaterThan(sameKl);
  });

  it('a chunk with a very low prior is never selected, and the attention counts show it', async () => {
    const model = await workshop.model(options);
    const chunks = await encode(encoderOf(model), [text(200), text(150)]).promise;
    const context = workshop.context(model, {
      contextTokens: 512,
      calibration: everySecond(model),
      composition: { anchorTokens: anchor.length, tailPosition: anchor.length + 512 },
    });
    const look = async (priors: Float32Array) => {
      const result = await context.generate(
        greedy(Int32Array.from([...anchor, ...text(30)]), 12, {
          attention: 'fasa-c',
          budget: 96,
          countAttention: true,
          repository: { chunks, priors, lateTokens: 64 },
        }),
        {},
      ).promise;
      const own = result.ownAttention ?? new Float32Array();
      // anchor, text and the answer but its last token
      expect(own).toHaveLength(Math.ceil((anchor.length + 30 + 11) / 16));
      const all = [...(result.chunkAttention ?? []), own].map((shares) =>
        shares.reduce((sum, share) => sum + share, 0),
      );
      expect(all.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
      expect(all.pop()).toBeGreaterThan(0.005);
      return all;
    };
    const even = await look(new Float32Array([0, 0]));
    expect(even).toHaveLength(2);
    expect(even[0]).toBeGreaterThan(0.05);
    expect(even[1]).toBeGreaterThan(0.05);
    expect((even[0] ?? 0) + (even[1] ?? 0)).toBeLessThanOrEqual(1.0001);
    const one = await look(new Float32Array([0, -1000]));
    expect(one[0]).toBeGreaterThan(even[0] ?? 1);
    expect(one[1]).toBe(0);
  });

  it('a budget of all tokens equals dense attention, and a small budget is close where little attention is lost', async () => {
    const model = await workshop.model(options);
    const chunks = await encode(encoderOf(model), [text(200), text(33), text(129)]).promise;
    const tail = text(50);
    const { vocabulary } = model.info;
    const dense = await composed(model, tail, { chunks }, { dense: true });
    expectSame(dense, await composed(model, tail, { chunks }, { budget: 4096 }), vocabulary);
    const kl = async (budget: number) =>
      compareLogits(dense, await composed(model, tail, { chunks }, { budget }), vocabulary).meanKl;
    const [most, some] = [await kl(380), await kl(64)];
    expect(most).toBeLessThan(0.01);
    expect(some).toBeGreaterThan(most);
  });

  it('a repeated and then extended prompt only prefills the new tokens', async () => {
    const model = await workshop.model(options);
    const chunks = await encode(encoderOf(model), [text(200)]).promise;
    const context = workshop.context(model, {
      contextTokens: 512,
      calibration: everySecond(model),
      composition: { anchorTokens: anchor.length, tailPosition: anchor.length + 512 },
    });
    const tail = text(200);
    const ask = (tokens: Int32Array) =>
      context.generate(
        greedy(tokens, 5, { attention: 'fasa-c', budget: 128, repository: { chunks, lateTokens: 64 } }),
        {},
      ).promise;
    const first = await ask(Int32Array.from([...anchor, ...tail]));
    expect(first.stats.fedTokens).toBe(anchor.length + tail.length);
    const typed = await ask(Int32Array.from([...anchor, ...tail, ...text(2)]));
    expect(typed.stats.fedTokens).toBe(2);
  });
});

describe('encoding', () => {
  const options = models[0] ?? { architecture: 'llama' };

  it('resumes where it was cancelled and gives the same result', async () => {
    const model = await workshop.model(options);
    const encoder = encoderOf(model, { microBatch: 16 });
    const pieces = [text(200), text(250)];
    const begun = encode(encoder, pieces, {
      onProgress: (tokens) => {
        if (tokens >= 64) {
          begun.cancel();
        }
      },
    });
    expect((await failureOf(() => begun)).code).toBe('CANCELLED');
    const progress: number[] = [];
    const folder = folderOf();
    await encode(encoder, pieces, { folder, onProgress: (tokens) => progress.push(tokens) }).promise;
    expect(progress[0]).toBeGreaterThanOrEqual(64);
    expect(progress.at(-1)).toBe(450);
    const fresh = folderOf();
    await encode(encoderOf(model, { microBatch: 16 }), pieces, { folder: fresh }).promise;
    for (const i of [0, 1]) {
      expect(readFileSync(path.join(folder, `${i}.kv`)).equals(readFileSync(path.join(fresh, `${i}.kv`)))).toBe(true);
    }
  });

  it('refuses what it cannot encode', async () => {
    const model = await workshop.model(options);
    const encoder = encoderOf(model);
    expect((await failureOf(() => encode(encoder, [new Int32Array()]))).code).toBe('BAD_ARGUMENT');
    expect((await failureOf(() => encode(encoder, [text(513)]))).code).toBe('BAD_ARGUMENT');
    expect((await failureOf(() => encode(encoder, [Int32Array.from([-1])]))).code).toBe('BAD_ARGUMENT');
    expect((await failureOf(() => encoderOf(model, { anchor: new Int32Array() }))).code).toBe('BAD_ARGUMENT');
    encoder.dispose();
    expect((await failureOf(() => encode(encoder, [text(3)]))).code).toBe('DISPOSED');
  });

  it('a chunk of another model, a disposed chunk, and a context without a composition are refused', async () => {
    const model = await workshop.model(options);
    const other = await workshop.model(models[1] ?? options);
    const [mine] = (await encode(encoderOf(model), [text(20)]).promise) as [NativeChunk];
    const [foreign] = (await encode(encoderOf(other), [text(20)]).promise) as [NativeChunk];
    expect((await failureOf(() => composed(model, text(5), { chunks: [foreign] }))).code).toBe('BAD_ARGUMENT');
    const plain = workshop.context(model, { contextTokens: 64, calibration: everySecond(model) });
    const repository = { chunks: [mine], lateTokens: 8 };
    expect((await failureOf(() => plain.generate(greedy(text(9), 1, { repository }), {}))).code).toBe('BAD_ARGUMENT');
    mine.dispose();
    expect((await failureOf(() => composed(model, text(5), { chunks: [mine] }))).code).toBe('DISPOSED');
  });
});

describe('a chunk file', () => {
  const options = models[0] ?? { architecture: 'llama' };

  it('gives the same chunk when it is opened again, mapped or in memory', async () => {
    const model = await workshop.model(options);
    const folder = folderOf();
    const piece = text(300);
    const [stored] = (await encode(encoderOf(model), [piece], { folder }).promise) as [NativeChunk];
    expect(stored.slowBytes).toBeGreaterThan(0);
    expect(stored.problem).toBeUndefined();
    const tail = text(20);
    const expected = await composed(model, tail, { chunks: [stored] });
    for (const tier of ['fasa-m', 'fasa-c'] as const) {
      const chunk = await encoderOf(model, { tier }).open(path.join(folder, '0.kv'), address('piece-0-'), {
        priority: 0,
      }).promise;
      expect(chunk.tokens).toBe(300);
      expect(chunk.slowBytes).toBe(tier === 'fasa-m' ? stored.slowBytes : 0);
      expect(await composed(model, tail, { chunks: [chunk] })).toEqual(expected);
    }
  });

  it('is refused when it is short, changed, renamed, of another model or not a file', async () => {
    const model = await workshop.model(options);
    const other = await workshop.model(models[1] ?? options);
    const folder = folderOf();
    await encode(encoderOf(model), [text(140)], { folder }).promise;
    const good = readFileSync(path.join(folder, '0.kv'));
    const open = (bytes: Uint8Array, name = 'piece-0-', of = model) => {
      const file = path.join(folder, 'tried.kv');
      writeFileSync(file, bytes);
      return failureOf(() => encoderOf(of).open(file, address(name), { priority: 0 }));
    };
    for (let i = 0; i < 50; i++) {
      const length = Math.floor((good.length * i) / 50);
      expect((await open(good.subarray(0, length))).code).toBe(length === 0 ? 'FILE_UNREADABLE' : 'BAD_CHUNK');
    }
    const places = new ChunkFile(good).places();
    for (const at of [0, 9, 20, 40, 100, 130, 150, 170, 185, ...places]) {
      const bytes = Buffer.from(good);
      bytes[at] = (bytes[at] ?? 0) ^ 4;
      expect((await open(bytes)).code, `byte ${at}`).toBe('BAD_CHUNK');
    }
    expect((await open(Buffer.concat([good, Buffer.alloc(1)]))).code).toBe('BAD_CHUNK');
    expect((await open(good, 'piece-1-')).code).toBe('BAD_CHUNK');
    expect((await open(good, 'piece-0-', other)).code).toBe('BAD_CHUNK');
    const missing = path.join(folder, 'missing.kv');
    const encoder = encoderOf(model);
    expect((await failureOf(() => encoder.open(missing, address('a-'), { priority: 0 }))).code).toBe('FILE_NOT_FOUND');
    expect((await failureOf(() => encoder.open(folder, address('a-'), { priority: 0 }))).code).toBe('FILE_UNREADABLE');
  });

  it('that cannot be written leaves the chunk in memory with a reason, and no file behind', async () => {
    const model = await workshop.model(options);
    const folder = path.join(folderOf(), 'missing');
    const [chunk] = (await encode(encoderOf(model), [text(50)], { folder }).promise) as [NativeChunk];
    expect(chunk.problem).toMatch(/cannot be made/);
    expect(chunk.slowBytes).toBe(0);
    expect(chunk.file).toBeUndefined();
    expect((await composed(model, text(5), { chunks: [chunk] })).length).toBeGreaterThan(0);
  });
});
