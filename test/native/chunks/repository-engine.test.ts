/** The repository's engine over the real addon: in which precision chunks are kept, and what becomes of files that are cut. */

import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { LaboratoryModel } from '../../../bench/common/addon';
import type { EncodedChunk, RetrievedChunk, StoreOptions } from '../../../language-server/engine/engine';
import type { NativeRepository } from '../../../language-server/engine/native/addon';
import { GenerationRun } from '../../../language-server/engine/native/generation-run';
import { NativeChunkEncoder } from '../../../language-server/engine/native/native-chunk-encoder';
import { compareLogits } from '../tools/kl';
import { Random } from '../tools/random';
import { type TinyModelOptions, tinyTextTokens } from '../tools/tiny-model';
import { failureOf, greedy, threads, useWorkshop } from '../tools/workshop';
import { everySecondFc } from './chunk-writer';

const workshop = useWorkshop();
const random = new Random(31);
const text = (length: number) => random.tokens(length, 0, tinyTextTokens);
const options: TinyModelOptions = { architecture: 'qwen2', heads: 4, kvHeads: 2, feedForward: 128 };
const { signal } = new AbortController();

const newFolder = () => mkdtempSync(path.join(workshop.folder, 'engine-'));

function engineOf(model: LaboratoryModel, folder: string, rowType: StoreOptions['rowType'], said: string[] = []) {
  const { name, architecture, fingerprint } = model.info;
  return new NativeChunkEncoder({
    model,
    calibration: {
      ...everySecondFc(model.info),
      format: 'fasa-calibration',
      version: 1,
      model: { name, architecture, fingerprint },
      corpus: 'none',
      tokens: 0,
    },
    threads,
    tier: 'fasa-m',
    store: { folder, maxBytes: 1e9, rowType, onProblem: (line) => said.push(line) },
    inUse: () => [],
  });
}

function filesIn(folder: string): { readonly name: string; readonly bytes: number }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((name) => ({ name, bytes: statSync(name).size }));
}

/** A context that reads chunks of this engine behind its anchor. */
function contextOf(model: LaboratoryModel, engine: NativeChunkEncoder) {
  const { composition } = engine;
  return workshop.context(model, { contextTokens: 512, calibration: everySecondFc(model.info), composition });
}

function retrieved(engine: NativeChunkEncoder, chunks: readonly EncodedChunk[]): NativeRepository {
  return engine.retrieved(chunks.map((chunk) => ({ chunk, prior: 0 })));
}

describe('precision', () => {
  const pieces = [text(1024), text(640)];
  const total = 1664;

  it('of q8_0 takes about half the bytes, in files of its own, and answers like f16', async () => {
    const model = await workshop.model(options);
    const folder = newFolder();
    const tail = text(40);
    const kept = await Promise.all(
      (['f16', 'q8_0'] as const).map(async (rowType) => {
        const writer = engineOf(model, folder, rowType);
        await writer.encode(pieces, signal);
        writer.dispose();
        // what is read is what was kept: another engine opens it
        const engine = engineOf(model, folder, rowType);
        const addresses = pieces.map((piece) => engine.address(piece));
        const chunks: EncodedChunk[] = [];
        for (const address of addresses) {
          const chunk = await engine.open(address, signal);
          expect(chunk, rowType).toBeDefined();
          chunks.push(...(chunk === undefined ? [] : [chunk]));
        }
        const context = contextOf(model, engine);
        const tokens = Int32Array.from([...engine.anchor, ...tail]);
        const repository = retrieved(engine, chunks);
        const sparse = { attention: 'fasa-c', budget: 128, fasaFromTokens: 0 } as const;
        const logits = await context.evaluate({
          ...sparse,
          budget: 4096,
          tokens,
          from: engine.anchor.length,
          stepwise: false,
          repository,
        }).promise;
        const answer = await context.generate(greedy(tokens, 6, { ...sparse, repository }), {}).promise;
        expect(answer.tokens).toHaveLength(6);
        const rowBytes = chunks.reduce((sum, { slowBytes }) => sum + slowBytes, 0);
        const ofThese = filesIn(folder).filter(({ name }) => addresses.some((address) => name.includes(address)));
        expect(ofThese).toHaveLength(pieces.length);
        const diskBytes = ofThese.reduce((sum, { bytes }) => sum + bytes, 0);
        // what the budget and the status count with is what lies there, but for the gaps before the sections
        expect(diskBytes).toBeGreaterThanOrEqual(engine.bytesPerToken.disk * total);
        expect(diskBytes).toBeLessThan(engine.bytesPerToken.disk * total + pieces.length * 2 * 4096);
        engine.dispose();
        return {
          logits,
          rowBytes,
          diskBytes,
          folders: new Set(ofThese.map(({ name }) => path.dirname(name))),
          addresses,
        };
      }),
    );
    const [exact, rounded] = kept;
    if (exact === undefined || rounded === undefined) {
      throw new Error('two were kept');
    }
    expect(rounded.rowBytes / exact.rowBytes).toBeCloseTo(34 / 64, 6);
    expect(rounded.diskBytes).toBeLessThan(0.6 * exact.diskBytes);
    expect(rounded.addresses.some((address) => exact.addresses.includes(address))).toBe(false);
    expect([...rounded.folders].some((one) => exact.folders.has(one))).toBe(false);
    const { maxKl } = compareLogits(exact.logits, rounded.logits, model.info.vocabulary);
    expect(maxKl).toBeLessThan(5e-3);
    // the same bytes would be the same logits
    expect(maxKl).toBeGreaterThan(0);
  });

  it('stays f16 for heads that q8_0 has no blocks for, and the log says so', async () => {
    const model = await workshop.model({ architecture: 'llama', headSize: 48, heads: 2, kvHeads: 1 });
    const said: string[] = [];
    const engine = engineOf(model, newFolder(), 'q8_0', said);
    expect(said).toEqual([
      expect.stringMatching(/kept as f16: q8_0 needs heads of a multiple of 32 dimensions, not of 48/),
    ]);
    const plain = engineOf(model, newFolder(), 'f16');
    const [piece] = pieces;
    const [chunk] = await engine.encode(pieces.slice(0, 1), signal);
    expect(chunk?.slowBytes).toBe(1024 * model.info.kvBytesPerToken);
    expect(engine.bytesPerToken).toEqual(plain.bytesPerToken);
    // one kind of bytes has one address
    expect(engine.address(piece ?? text(1))).toBe(plain.address(piece ?? text(1)));
    engine.dispose();
    plain.dispose();
  });
});

describe('a store whose folder is a link', () => {
  it.each([
    ['from the start', 'f16', false],
    ['from then on, in half the bytes', 'q8_0', true],
  ] as const)(
    '%s gets nothing written or removed elsewhere; chunks are read from memory',
    async (_name, type, later) => {
      const model = await workshop.model(options);
      const [base, elsewhere] = [newFolder(), newFolder()];
      const folder = path.join(base, 'chunks');
      const pieces = [text(200), text(100)];
      const said: string[] = [];
      const engine = engineOf(model, folder, type, said);
      const context = contextOf(model, engine);
      if (later) {
        await engine.encode(pieces, signal);
        renameSync(folder, path.join(elsewhere, 'chunks'));
      }
      const before = filesIn(elsewhere);
      symlinkSync(later ? path.join(elsewhere, 'chunks') : elsewhere, folder);
      const chunks = await engine.encode(pieces, signal);
      expect(chunks.map(({ tokens }) => tokens)).toEqual([200, 100]);
      const tokens = Int32Array.from([...engine.anchor, ...text(20)]);
      const answer = await context.generate(greedy(tokens, 4, { repository: retrieved(engine, chunks) }), {}).promise;
      expect(answer.tokens).toHaveLength(4);
      expect(await engine.open(engine.address(pieces[0] ?? text(1)), signal)).toBeUndefined();
      expect(await engine.clearDisk()).toBe(0);
      expect(filesIn(elsewhere)).toEqual(before);
      expect(said).toEqual([expect.stringContaining(`${folder} is a symbolic link`)]);
    },
  );
});

describe('the file of a chunk in use', () => {
  const pieces = [text(300), text(200)];

  async function opened(folder: string) {
    const model = await workshop.model(options);
    const said: string[] = [];
    const engine = engineOf(model, folder, 'f16', said);
    const chunks = await engine.encode(pieces, signal);
    const context = contextOf(model, engine);
    const tokens = Int32Array.from([...engine.anchor, ...text(30)]);
    const lost: EncodedChunk[] = [];
    engine.onLost = (chunk) => lost.push(chunk);
    const fileOf = (i: number) => {
      const address = engine.address(pieces[i] ?? text(1));
      return filesIn(folder).find(({ name }) => name.includes(address))?.name ?? '';
    };
    const retrievedNow = (all: readonly EncodedChunk[]): RetrievedChunk[] => all.map((chunk) => ({ chunk, prior: 0 }));
    /** @returns the tokens that were decoded, and which chunks were read to the end */
    const ask = async (all: readonly EncodedChunk[], maxTokens = 8, onProgress?: () => void) => {
      const request = {
        sequence: 'chat',
        tokens,
        maxTokens,
        sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
        chunks: retrievedNow(all),
        countAttention: true,
        ...(onProgress === undefined ? {} : { onProgress }),
      } as const;
      const fixed = { attention: 'fasa-c', budget: 128, fasaFromTokens: 0, priority: 0 } as const;
      const {
        tokens: decoded,
        reason,
        attention,
      } = await new GenerationRun(context, model, request, fixed, engine).run();
      return { decoded, reason, read: attention?.chunks.map(({ chunk }) => all.indexOf(chunk)) };
    };
    const direct = () => {
      const repository = engine.retrieved(retrievedNow(chunks));
      return context.generate(greedy(tokens, 4, { attention: 'fasa-c', budget: 128, repository }), {});
    };
    return { engine, chunks, said, lost, fileOf, ask, direct };
  }

  it('is not read after it was truncated, but logged, left out of the answer and encoded again', async () => {
    const { engine, chunks, said, lost, fileOf, ask, direct } = await opened(newFolder());
    expect(await ask(chunks)).toMatchObject({ decoded: 8, read: [0, 1] });
    const file = fileOf(0);
    truncateSync(file, 4096);
    // a request that has it all the same is refused; reading it would end the process
    const failure = await failureOf(direct);
    expect(failure.code).toBe('BAD_CHUNK');
    expect(failure.message).toContain(file);
    expect(said).toEqual([]);
    expect(await ask(chunks)).toMatchObject({ decoded: 8, read: [1] });
    expect(said).toEqual([expect.stringContaining(`${file} was cut short or replaced`)]);
    expect(lost).toEqual([chunks[0]]);
    // whoever owns it looks for it again, and finds that it is to be encoded
    expect(await engine.open(engine.address(pieces[0] ?? text(1)), signal)).toBeUndefined();
    expect(said.at(-1)).toMatch(/cut short; it is encoded again/);
    const again = await engine.encode(pieces.slice(0, 1), signal);
    expect(await ask([...again, ...chunks.slice(1)])).toMatchObject({ decoded: 8, read: [0, 1] });
    // that there is a good file now does not make the old mapping good
    expect(await ask(chunks)).toMatchObject({ read: [1] });
    expect(said).toHaveLength(2);
    engine.dispose();
  });

  it('stays readable after it was removed, as a full store does', async () => {
    const { engine, chunks, said, lost, fileOf, ask } = await opened(newFolder());
    rmSync(fileOf(0));
    expect(await ask(chunks)).toMatchObject({ decoded: 8, read: [0, 1] });
    expect([...said, ...lost]).toEqual([]);
    engine.dispose();
  });

  it('is left out once it is replaced during a long answer, which continues', async () => {
    const { engine, chunks, said, lost, fileOf, ask } = await opened(newFolder());
    const file = fileOf(1);
    let replaced = false;
    const answer = await ask(chunks, 80, () => {
      if (!replaced) {
        replaced = true;
        writeFileSync(`${file}.other`, readFileSync(file));
        renameSync(`${file}.other`, file);
      }
    });
    expect(answer).toMatchObject({ decoded: 80, reason: 'length', read: [0] });
    expect(said).toHaveLength(1);
    expect(lost).toEqual([chunks[1]]);
    // it is whole: opened again it is read as before
    const again = await engine.open(engine.address(pieces[1] ?? text(1)), signal);
    expect(again).toBeDefined();
    expect(await ask(again === undefined ? [] : [again])).toMatchObject({ read: [0] });
    engine.dispose();
  });
});
