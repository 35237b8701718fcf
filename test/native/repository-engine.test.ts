/** The repository's engine over the real addon: in which precision chunks are kept, and how they are read. */

import { mkdtempSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { NativeModel, NativeRepository } from '../../language-server/engine/addon';
import type { EncodedChunk, StoreOptions } from '../../language-server/engine/engine';
import { NativeRepositoryEngine } from '../../language-server/engine/native-repository';
import { everySecondFc } from './chunk-writer';
import { compareLogits } from './kl';
import { Random } from './random';
import { type TinyModelOptions, tinyTextTokens } from './tiny-model';
import { greedy, threads, useWorkshop } from './workshop';

const workshop = useWorkshop();
const random = new Random(31);
const text = (length: number) => random.tokens(length, 0, tinyTextTokens);
const options: TinyModelOptions = { architecture: 'qwen2', heads: 4, kvHeads: 2, feedForward: 128 };
const { signal } = new AbortController();

const newFolder = () => mkdtempSync(path.join(workshop.folder, 'engine-'));

function engineOf(model: NativeModel, folder: string, rowType: StoreOptions['rowType'], said: string[] = []) {
  const { name, architecture, fingerprint } = model.info;
  return new NativeRepositoryEngine({
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
    store: { folder, mostBytes: 1e9, rowType, onProblem: (line) => said.push(line) },
    held: () => [],
  });
}

function filesIn(folder: string): { readonly name: string; readonly bytes: number }[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((name) => ({ name, bytes: statSync(name).size }));
}

/** A context that reads chunks of this engine behind its anchor. */
function contextOf(model: NativeModel, engine: NativeRepositoryEngine) {
  const { composition } = engine;
  return workshop.context(model, { contextTokens: 512, calibration: everySecondFc(model.info), composition });
}

function inPlay(engine: NativeRepositoryEngine, chunks: readonly EncodedChunk[]): NativeRepository {
  return engine.inPlay(chunks.map((chunk) => ({ chunk, prior: 0 })));
}

describe('precision', () => {
  const pieces = [text(1024), text(640)];
  const total = 1664;

  it('q8_0 takes about half the bytes, in files of its own, and answers as f16 does', async () => {
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
        const repository = inPlay(engine, chunks);
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

  it('heads that q8_0 has no blocks for are kept as f16, and the log says so', async () => {
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
