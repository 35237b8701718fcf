/**
 * A store that is killed, damaged, full, read-only or shared serves no wrong keys and values, keeps what was complete and
 * stays usable. At small counts here; `node bench/scripts/fault-store.mjs` runs the same at full counts and reports them.
 */

import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildSync } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LaboratoryModel } from '../../../bench/common/addon';
import type { EncodedChunk } from '../../../language-server/engine/engine';
import type { NativeEncoder } from '../../../language-server/engine/native/addon';
import { addonPath } from '../../../language-server/engine/native/load-addon';
import { NativeChunkEncoder } from '../../../language-server/engine/native/native-chunk-encoder';
import { Random } from '../tools/random';
import { failureOf, useWorkshop } from '../tools/workshop';
import { ChunkFile } from './chunk-file';
import { everySecondFc, writerAnchor, writerPieces } from './chunk-writer';
import type { WriterOrder, WriterResult } from './chunk-writer-child';

const full = process.env['FASA_FAULTS'] === 'full';
const kills = full ? 200 : 10;
const flipSeeds = full ? 100 : 8;
const limitMs = full ? 900_000 : 120_000;

const workshop = useWorkshop();
const random = new Random(99);
const options = { architecture: 'llama', heads: 3, kvHeads: 1 } as const;
let modelFile = '';
let childBundle = '';
let reference = '';
let referenceMs = 0;

/** A line of the report of bench/scripts/fault-store.mjs. */
function tell(what: string, figures: Readonly<Record<string, number | string>>): void {
  const file = process.env['FASA_FAULTS_OUT'];
  if (file !== undefined) {
    appendFileSync(file, `${JSON.stringify({ what, ...figures })}\n`);
  }
}

const newFolder = () => mkdtempSync(path.join(workshop.folder, 'store-'));
const fileOf = (folder: string, address: string) => path.join(folder, `${address}.kv`);

async function startWriter(): Promise<ChildProcess> {
  const child = fork(childBundle, { env: { ...process.env, FASA_ADDON: addonPath() }, stdio: 'inherit' });
  await message(child, (one) => one === 'ready');
  return child;
}

function message(child: ChildProcess, wanted: (one: unknown) => boolean): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null, signal: string | null) => reject(new Error(`ended with ${signal ?? code}`));
    child.once('exit', ended);
    child.on('message', function hear(one) {
      if (wanted(one)) {
        child.off('exit', ended);
        child.off('message', hear);
        resolve(one);
      }
    });
  });
}

async function write(folder: string): Promise<WriterResult> {
  const child = await startWriter();
  const order: WriterOrder = { model: modelFile, folder };
  const done = message(child, (one) => typeof one === 'object');
  child.send(order);
  const { result } = (await done) as { result: WriterResult };
  child.kill('SIGKILL');
  return result;
}

function encoderOf(model: LaboratoryModel): NativeEncoder {
  const calibration = everySecondFc(model.info);
  const fixed = { anchor: writerAnchor, threads: 1, microBatch: 48, chunkTokens: 512 };
  return model.createEncoder({ ...fixed, calibration, rowType: 'f16', tier: 'fasa-m' });
}

/** Opens all files of a folder: how many are whole. Each of those holds the bytes of a fresh encoding. */
async function wholeFiles(folder: string): Promise<number> {
  const encoder = encoderOf(await workshop.model(options));
  let whole = 0;
  for (const { address } of writerPieces) {
    const file = fileOf(folder, address);
    try {
      (await encoder.open(file, address, { priority: 0 }).promise).dispose();
    } catch (error) {
      expect((error as { code?: string }).code).toMatch(/^(?:FILE_NOT_FOUND|BAD_CHUNK)$/);
      continue;
    }
    whole++;
    expect(readFileSync(file).equals(readFileSync(fileOf(reference, address))), file).toBe(true);
  }
  encoder.dispose();
  return whole;
}

beforeAll(async () => {
  modelFile = workshop.file(options);
  childBundle = path.join(workshop.folder, 'chunk-writer-child.cjs');
  buildSync({
    entryPoints: [path.join(import.meta.dirname, 'chunk-writer-child.ts')],
    outfile: childBundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  });
  reference = newFolder();
  const result = await write(reference);
  referenceMs = result.ms;
  expect(result).toMatchObject({ opened: 0, encoded: writerPieces.length, problems: [] });
});

describe('a killed writer', () => {
  it(
    `leaves only complete chunks at ${kills} random instants, and nothing wrong is served`,
    async () => {
      let kept = 0;
      let cutShort = 0;
      let leftOver = 0;
      for (let i = 0; i < kills; i++) {
        const folder = newFolder();
        const child = await startWriter();
        const begun = message(child, (one) => one === 'begun');
        child.send({ model: modelFile, folder } satisfies WriterOrder);
        await begun;
        await sleep(random.uniform() * referenceMs * 1.05);
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await gone;
        const names = readdirSync(folder);
        leftOver += names.filter((name) => name.endsWith('.tmp')).length;
        const whole = await wholeFiles(folder);
        // a file that has its name is whole
        expect(whole).toBe(names.filter((name) => name.endsWith('.kv')).length);
        kept += whole;
        cutShort += whole < writerPieces.length ? 1 : 0;
        // the next process opens what is there and encodes the rest
        if (i % 10 === 0) {
          const after = await write(folder);
          expect(after).toMatchObject({ opened: whole, encoded: writerPieces.length - whole, problems: [] });
          expect(await wholeFiles(folder)).toBe(writerPieces.length);
        }
      }
      expect(cutShort).toBeGreaterThan(0);
      tell('killed', { kills, cutShort, chunksKept: kept, ofChunks: kills * writerPieces.length, leftOver, wrong: 0 });
    },
    limitMs,
  );
});

describe('a damaged chunk file', () => {
  const piece = () => {
    const one = writerPieces[7];
    if (one === undefined) {
      throw new Error('no such piece');
    }
    return { ...one, bytes: readFileSync(fileOf(reference, one.address)) };
  };

  it(
    `is refused for one flipped bit in header, checksums, importance keys or rows, with ${flipSeeds} seeds each`,
    async () => {
      const encoder = encoderOf(await workshop.model(options));
      const { address, bytes } = piece();
      const [firstKey = 0, lastKey = 0, firstRow = 0, lastRow = 0] = new ChunkFile(bytes).places();
      const parts = { header: [0, 167], checksums: [168, 191], keys: [firstKey, lastKey], rows: [firstRow, lastRow] };
      const file = fileOf(newFolder(), address);
      for (const [part, [from = 0, to = 0]] of Object.entries(parts)) {
        for (let seed = 0; seed < flipSeeds; seed++) {
          const damaged = Buffer.from(bytes);
          const at = from + random.below(to - from + 1);
          const bit = random.below(8);
          damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
          writeFileSync(file, damaged);
          const failure = await failureOf(() => encoder.open(file, address, { priority: 0 }));
          expect(failure.code, `${part}, byte ${at}, bit ${bit}`).toBe('BAD_CHUNK');
        }
      }
      tell('flipped bits', { parts: Object.keys(parts).join(', '), seeds: flipSeeds, accepted: 0 });
    },
    limitMs,
  );

  it(
    'is refused when it is truncated at any 1/50 of its length, or of another valid version',
    async () => {
      const encoder = encoderOf(await workshop.model(options));
      const { address, bytes } = piece();
      const file = fileOf(newFolder(), address);
      for (let i = 0; i < 50; i++) {
        writeFileSync(file, bytes.subarray(0, Math.floor((bytes.length * i) / 50)));
        const { code } = await failureOf(() => encoder.open(file, address, { priority: 0 }));
        expect(code).toBe(i === 0 ? 'FILE_UNREADABLE' : 'BAD_CHUNK');
      }
      const foreign = Buffer.from(bytes);
      foreign.writeUInt32LE(2, 8);
      writeFileSync(file, new ChunkFile(foreign).sealed());
      expect((await failureOf(() => encoder.open(file, address, { priority: 0 }))).code).toBe('BAD_CHUNK');
      tell('cut short', { cuts: 50, accepted: 0 });
    },
    limitMs,
  );

  it('is logged in one line per kind and encoded again by the engine', async () => {
    const model = await workshop.model(options);
    const calibration = {
      ...everySecondFc(model.info),
      format: 'fasa-calibration',
      version: 1,
      model: { name: 'tiny', architecture: 'llama', fingerprint: model.info.fingerprint },
      corpus: 'none',
      tokens: 0,
    } as const;
    const folder = newFolder();
    const said: string[] = [];
    const open = () =>
      new NativeChunkEncoder({
        model,
        calibration,
        threads: 1,
        tier: 'fasa-m',
        store: { folder, maxBytes: 1e9, rowType: 'f16', onProblem: (line) => said.push(line) },
        inUse: () => [],
      });
    const signal = new AbortController().signal;
    const tokens = writerPieces.map((one) => one.tokens);
    const first = open();
    await first.encode(tokens, signal);
    first.dispose();
    const files = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
      .sort();
    expect(files).toHaveLength(tokens.length);
    for (const [i, file] of files.slice(0, 3).entries()) {
      const bytes = readFileSync(file);
      writeFileSync(file, i === 0 ? bytes.subarray(0, 5000) : Buffer.concat([bytes.subarray(0, -1), Buffer.of(7)]));
    }
    const second = open();
    const openAll = async (pieces: readonly Int32Array[]) => {
      const chunks: (EncodedChunk | undefined)[] = [];
      for (const one of pieces) {
        chunks.push(await second.open(second.address(one), signal));
      }
      return chunks;
    };
    const found = await openAll(tokens);
    expect(found.filter((chunk) => chunk === undefined)).toHaveLength(3);
    expect(said.length).toBeGreaterThan(0);
    expect(said.join('\n')).toMatch(/it is encoded again/);
    const missing = tokens.filter((_, i) => found[i] === undefined);
    expect(await second.encode(missing, signal)).toHaveLength(3);
    expect((await openAll(missing)).every((chunk) => chunk !== undefined)).toBe(true);
    second.dispose();
  });
});

describe('a store', () => {
  it('is shared by two processes that write the same chunks at the same time', async () => {
    const folder = newFolder();
    const [one, other] = await Promise.all([write(folder), write(folder)]);
    expect([...(one?.problems ?? []), ...(other?.problems ?? [])]).toEqual([]);
    expect(await wholeFiles(folder)).toBe(writerPieces.length);
    expect(readdirSync(folder)).toHaveLength(writerPieces.length);
    tell('two processes', { chunks: writerPieces.length, wrong: 0 });
  });
});

/** A file system of its own; undefined where this user may mount none. */
function mount(folder: string, size: string): (() => void) | undefined {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'ignore' });
    return () => {
      execFileSync('umount', [folder], { stdio: 'ignore' });
    };
  } catch {
    return undefined;
  }
}

describe.runIf(process.platform === 'linux' && process.getuid?.() === 0)('a disk', () => {
  it(
    'that gets full in the middle of a write leaves chunks in memory and no file behind',
    async (context) => {
      const folder = newFolder();
      const unmount = mount(folder, '600k');
      if (unmount === undefined) {
        tell('full disk', { skipped: 'no mounting here' });
        context.skip('no file system can be mounted here');
        return;
      }
      try {
        const result = await write(folder);
        expect(result.encoded).toBe(writerPieces.length);
        expect(result.problems.length).toBeGreaterThan(0);
        expect(result.problems.length).toBeLessThan(writerPieces.length);
        expect(readdirSync(folder).filter((name) => !name.endsWith('.kv'))).toEqual([]);
        expect(await wholeFiles(folder)).toBe(writerPieces.length - result.problems.length);
        tell('full disk', {
          chunks: writerPieces.length,
          inMemory: result.problems.length,
          why: result.problems[0] ?? '',
        });
      } finally {
        unmount();
      }
    },
    limitMs,
  );

  it(
    'that is read-only serves what is on it and keeps the rest in memory',
    async (context) => {
      const folder = newFolder();
      const unmount = mount(folder, '64m');
      if (unmount === undefined) {
        tell('read-only', { skipped: 'no mounting here' });
        context.skip('no file system can be mounted here');
        return;
      }
      try {
        mkdirSync(folder, { recursive: true });
        for (const { address } of writerPieces.slice(0, 5)) {
          writeFileSync(fileOf(folder, address), readFileSync(fileOf(reference, address)));
        }
        execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'ignore' });
        const result = await write(folder);
        expect(result).toMatchObject({ opened: 5, encoded: writerPieces.length - 5 });
        expect(result.problems).toHaveLength(writerPieces.length - 5);
        tell('read-only', { opened: result.opened, inMemory: result.problems.length, why: result.problems[0] ?? '' });
      } finally {
        unmount();
      }
    },
    limitMs,
  );
});
