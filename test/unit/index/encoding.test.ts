/** What is encoded when, and what a request reads of it: priors, budget, battery, the lane over a fake engine. */

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { onBattery, saysBattery } from '../../../language-server/index/encode/battery';
import {
  automaticSizeLimit,
  IndexSizeLimit,
  type SizeReadings,
} from '../../../language-server/index/encode/size-limit';
import { priorsOf } from '../../../language-server/index/rank/composition';
import { WorkspaceIndex } from '../../../language-server/index/workspace-index';
import { defaultSettings } from '../../../language-server/server/settings';
import { FakeEngine, type FakeOptions } from '../../server/tools/fake-engine';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-encoding-'));
  process.env['FASA_CACHE_DIR'] = path.join(folder, 'cache');
});

afterEach(() => {
  delete process.env['FASA_CACHE_DIR'];
  rmSync(folder, { recursive: true, force: true });
});

describe('priors', () => {
  test('are the strength times the standard deviations below the best', () => {
    // mean 2, deviation sqrt(2)
    const priors = priorsOf([4, 2, 2, 0], 2);
    expect(priors[0]).toBe(0);
    expect(priors[1]).toBeCloseTo(-2 * Math.SQRT2, 10);
    expect(priors[3]).toBeCloseTo(-4 * Math.SQRT2, 10);
  });

  test.each([[[]], [[3]], [[0, 0, 0]], [[1, 1 + 1e-12]]])('are 0 where nothing stands out: %j', (scores) => {
    expect(priorsOf(scores, 2).every((prior) => Object.is(prior, 0))).toBe(true);
  });

  test('of strength 0 are 0', () => {
    expect(priorsOf([1, 5, 9], 0).map(Math.abs)).toEqual([0, 0, 0]);
  });
});

describe('the budget', () => {
  const readings: SizeReadings = {
    memoryFree: 64e9,
    memoryUsed: 0,
    diskFree: 1e12,
    diskUsed: 0,
    maxDiskBytes: 100e9,
    bytesPerToken: { full: 23_040, fast: 1600, disk: 25_000 },
    tokensPerSecond: undefined,
    folders: 1,
  };
  test.each<[string, Partial<SizeReadings>, number]>([
    ['a large machine reads as much as is sensible', {}, 131_072],
    ['memory sets a limit', { memoryFree: 320e6 }, 49_152],
    ['what its chunks take already counts as free', { memoryFree: 160e6, memoryUsed: 160e6 }, 49_152],
    ['the cap of the store sets a limit', { maxDiskBytes: 1e9 }, 36_864],
    ['a full disk sets a limit', { diskFree: 1e9 }, 8192],
    ['what is on it already does not count', { diskFree: 1e9, diskUsed: 1e9 }, 49_152],
    ['slow encoding sets a limit', { tokensPerSecond: 20 }, 32_768],
    ['folders share', { memoryFree: 320e6, folders: 4 }, 12_288],
    ['a small machine reads a little', { memoryFree: 1e6 }, 2048],
    ['an unknown disk sets none', { diskFree: undefined }, 131_072],
  ])('%s', (_name, change, tokens) => {
    expect(automaticSizeLimit({ ...readings, ...change })).toBe(tokens);
  });
});

describe('the index size limit of a folder', () => {
  const { engine, device } = (() => {
    const fake = new FakeEngine({ repository: {} });
    const memory = { ...fake.device, memoryFree: 10e6 };
    return { device: memory, engine: { chunks: fake.chunks, device: memory } };
  })();
  const folders = { all: [{}] };

  test('is the setting where there is one', async () => {
    const limit = new IndexSizeLimit({ tokensPerSecond: undefined }, folders, 5000);
    expect(await limit.tokensFor(engine, 0, undefined)).toBe(5000);
    limit.configure(7000);
    expect(await limit.tokensFor(engine, 0, 5000)).toBe(7000);
  });

  test('stays while the machine allows about as much, and follows when it allows much more or less', async () => {
    const limit = new IndexSizeLimit({ tokensPerSecond: undefined }, folders, 0);
    const now = await limit.tokensFor(engine, 0, undefined);
    expect(now).toBeGreaterThan(2048);
    expect(await limit.tokensFor(engine, 0, Math.round(now * 1.1))).toBe(Math.round(now * 1.1));
    expect(await limit.tokensFor(engine, 0, 2 * now)).toBe(now);
    expect(await limit.tokensFor({ ...engine, device: { ...device, memoryFree: 1e6 } }, 0, now)).toBeLessThan(now);
  });

  test('is 0 for an engine that reads no chunks, unless the setting says otherwise', async () => {
    const limit = new IndexSizeLimit({ tokensPerSecond: undefined }, folders, 0);
    expect(await limit.tokensFor({ chunks: undefined, device }, 0, undefined)).toBe(0);
  });
});

describe('battery', () => {
  function supplies(all: Readonly<Record<string, Readonly<Record<string, string>>>>): string {
    const root = path.join(folder, 'power_supply');
    for (const [name, facts] of Object.entries(all)) {
      mkdirSync(path.join(root, name), { recursive: true });
      for (const [fact, value] of Object.entries(facts)) {
        writeFileSync(path.join(root, name, fact), `${value}\n`);
      }
    }
    return root;
  }
  const battery = { type: 'Battery', status: 'Discharging' };
  test.each([
    ['that discharges', { BAT0: battery }, true],
    ['beside mains that is off', { BAT0: battery, AC: { type: 'Mains', online: '0' } }, true],
    ['beside mains', { BAT0: battery, AC: { type: 'Mains', online: '1' } }, false],
    ['that charges', { BAT0: { type: 'Battery', status: 'Charging' } }, false],
    ['of a mouse', { hidpp: { ...battery, scope: 'Device' } }, false],
    ['that is not there', {}, false],
  ])('%s', async (_name, all, expected) => {
    expect(await onBattery('linux', supplies(all))).toBe(expected);
  });

  test('of a Mac is read from its report', () => {
    expect(saysBattery("Now drawing from 'Battery Power'\n -InternalBattery-0 80%")).toBe(true);
    expect(saysBattery("Now drawing from 'AC Power'\n")).toBe(false);
  });
});

interface Session {
  readonly engine: FakeEngine;
  readonly context: WorkspaceIndex;
  readonly errors: string[];
}

let sessions: Session[] = [];

afterEach(async () => {
  for (const { context, engine } of sessions) {
    await context.close();
    expect(engine.chunks?.alive ?? 0, 'chunks that nobody disposed of').toBe(0);
    await engine.dispose();
  }
  sessions = [];
});

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, 'r', name)), { recursive: true });
    writeFileSync(path.join(folder, 'r', name), text);
  }
}

function open(fake: FakeOptions = {}, battery?: () => Promise<boolean>): Session {
  const engine = new FakeEngine({ repository: {}, ...fake });
  const errors: string[] = [];
  const note = (message: string) => {
    errors.push(message);
  };
  const context = new WorkspaceIndex({
    log: { info: () => undefined, warn: note, error: note },
    onChange: () => undefined,
    settings: defaultSettings.repository,
    onBattery: battery ?? (async () => false),
  });
  context.addFolder(pathToFileURL(path.join(folder, 'r')).href);
  context.use(engine);
  const session = { engine, context, errors };
  sessions.push(session);
  return session;
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!holds()) {
    if (performance.now() > deadline) {
      throw new Error('It did not come true.');
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const encoded = ({ context }: Session) => context.status?.filesEncoded ?? 0;

describe('the lane', () => {
  const many = Object.fromEntries(
    Array.from({ length: 20 }, (_, index) => [`f${index}.ts`, `x${index};\n`.repeat(60)]),
  );

  test('puts small files into one batch of at most 1,024 tokens', async () => {
    write(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`f${index}.ts`, `x${index};\n`])));
    const session = open();
    const sizes: number[] = [];
    const { chunks: repository } = session.engine;
    const encode = repository?.encode.bind(repository);
    if (repository !== undefined && encode !== undefined) {
      repository.encode = (chunks, ...more) => {
        sizes.push(chunks.reduce((sum, tokens) => sum + tokens.length, 0));
        return encode(chunks, ...more);
      };
    }
    await session.context.lane.finish(new AbortController().signal);
    expect(encoded(session)).toBe(40);
    expect(sizes.length).toBeLessThanOrEqual(3);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024);
  });

  test('waits on battery, and goes on when the user asks', async () => {
    write(many);
    const session = open({}, async () => true);
    await until(() => session.context.status?.paused === 'battery');
    expect(encoded(session)).toBe(0);
    await session.context.lane.finish(new AbortController().signal);
    expect(encoded(session)).toBe(20);
  });

  test('waits while the user types', async () => {
    write(many);
    const session = open();
    await session.context.folders.all[0]?.index.upToDate();
    const typing = setInterval(() => session.context.lane.noteActivity(), 50);
    session.context.lane.noteActivity();
    await new Promise((resolve) => setTimeout(resolve, 600));
    const then = encoded(session);
    clearInterval(typing);
    expect(then).toBeLessThan(20);
    await until(() => encoded(session) === 20);
  });

  test('drops what is being encoded of an engine that goes', async () => {
    write(many);
    const session = open({ repository: { encodeMs: 50 } });
    await until(() => encoded(session) > 0);
    session.context.use(undefined);
    expect(session.context.status).toBeUndefined();
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(session.engine.chunks?.alive).toBe(0);
    expect(session.errors).toEqual([]);
  });

  test('stops when there is no memory left, says so once, and tries again on the user’s word', async () => {
    write(many);
    const session = open({ repository: { failOn: 'x7;', failCode: 'OUT_OF_MEMORY' } });
    await until(() => session.errors.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(session.errors).toHaveLength(1);
    await expect(session.context.lane.finish(new AbortController().signal)).rejects.toMatchObject({
      code: 'OUT_OF_MEMORY',
    });
    expect(encoded(session)).toBeLessThan(20);
  });

  test('is cancelled in the middle, and keeps what was done', async () => {
    write(many);
    const session = open({ repository: { encodeMs: 30 } }, async () => true);
    const abort = new AbortController();
    const all = session.context.lane.finish(abort.signal);
    await until(() => encoded(session) > 2);
    abort.abort();
    await expect(all).rejects.toMatchObject({ code: 'CANCELLED' });
    await until(() => session.context.lane.progress === undefined);
    expect(encoded(session)).toBeLessThan(20);
    expect(encoded(session)).toBeGreaterThan(2);
  });
});

describe('a context', () => {
  test.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('leaves out what may not be read', async () => {
    write({ 'a.ts': 'a', 'b.ts': 'b' });
    chmodSync(path.join(folder, 'r', 'a.ts'), 0);
    const session = open();
    await session.context.lane.finish(new AbortController().signal);
    expect(session.context.status?.leftOut).toEqual({ unreadable: 1 });
  });

  test('keeps the lines of its chunks true after an insertion above', async () => {
    const functions = Array.from({ length: 60 }, (_, at) => `export function f${at}() {\n  return ${at};\n}\n\n`);
    write({ 'a.ts': functions.join('') });
    const session = open();
    const { signal } = new AbortController();
    await session.context.lane.finish(signal);
    const context = session.context.folders.all[0]?.index;
    const last = () => context?.files.get('a.ts')?.chunks.at(-1);
    const before = last();
    const line = before?.firstLine ?? 0;
    write({ 'a.ts': `// one\n// two\n${functions.join('')}` });
    context?.noteChanges(['a.ts']);
    await session.context.lane.finish(signal);
    expect(last()).toBe(before);
    expect(last()?.firstLine).toBe(line + 2);
    const [retrieved] = session.context.chunksForQuestion([], 'f59').filter(({ chunk }) => chunk === last()?.encoded);
    expect(retrieved && context?.sourceOf(retrieved.chunk)).toBe(before);
  });

  test('gives a request the most relevant chunks where there are more than it may read', async () => {
    const names = ['quokka', 'wombat', 'numbat', 'bilby'];
    write(Object.fromEntries(names.map((name) => [`${name}.ts`, `export const ${name} = '${name}';\n`.repeat(5)])));
    const session = open();
    await session.context.lane.finish(new AbortController().signal);
    const context = session.context.folders.all[0]?.index;
    const all = context?.chunksFor(undefined, 'numbat') ?? [];
    expect(all).toHaveLength(4);
    const one = Math.max(...all.map(({ chunk }) => chunk.tokens));
    const few = context?.chunksFor(undefined, 'numbat', { priorStrength: 2, maxTokens: one }) ?? [];
    expect(few.map(({ chunk }) => context?.sourceOf(chunk)?.path)).toEqual(['numbat.ts']);
  });

  test('gives a document what it imports before what is as like to it, and what its nearest lines name before the rest', async () => {
    const same = (name: string) => `export const ${name} = 1;\nexport const shared = ${name};\n`;
    write({ 'quokka.ts': same('quokka'), 'wombat.ts': same('wombat'), 'numbat.ts': same('numbat') });
    const session = open();
    await session.context.lane.finish(new AbortController().signal);
    const context = session.context.folders.all[0]?.index;
    const order = (before: string, head = '') => {
      const around = { before, after: '', document: `${head}${before}` };
      const retrieved = context?.chunksFor('main.ts', around, { priorStrength: 2, maxTokens: 1000 }) ?? [];
      return retrieved
        .toSorted((left, right) => right.prior - left.prior)
        .map(({ chunk }) => context?.sourceOf(chunk)?.path);
    };
    expect(order('shared', "import { shared } from './numbat';\n")[0]).toBe('numbat.ts');
    expect(order('shared', "import { shared } from './wombat';\n")[0]).toBe('wombat.ts');
    expect(order(`quokka\n${'\n'.repeat(8)}wombat`)).toEqual(['wombat.ts', 'quokka.ts', 'numbat.ts']);
  });

  test('lets go of every chunk, also of text that stands in a file several times, and of an engine that was replaced', async () => {
    const block = Array.from({ length: 70 }, (_, at) => `const same${at} = ${at};\n`).join('');
    write({ 'a.ts': `${block}\n${block}\n${block}\n${block}` });
    const session = open({ repository: { encodeMs: 5 } });
    const { signal } = new AbortController();
    await session.context.lane.finish(signal);
    write({ 'a.ts': `${block}\n${block}\nconst other = 1;\n` });
    session.context.noteFiles([pathToFileURL(path.join(folder, 'r', 'a.ts')).href]);
    await session.context.lane.finish(signal);
    const chunks = [...(session.context.folders.all[0]?.index.files.values() ?? [])].flatMap((file) => file.chunks);
    expect(session.engine.chunks?.alive).toBe(chunks.length);
    const next = new FakeEngine({ repository: { chunkTokens: 300 } });
    session.context.use(next);
    expect(session.engine.chunks?.alive).toBe(0);
    await session.context.lane.finish(signal);
    expect(next.chunks?.alive).toBeGreaterThan(chunks.length);
    expect(session.context.chunksForQuestion([], 'same1').every(({ chunk }) => chunk.tokens <= 300)).toBe(true);
    session.context.use(undefined);
    expect(next.chunks?.alive).toBe(0);
  });

  test('of thousands of files is planned in seconds, and a change of one in milliseconds', async () => {
    write(
      Object.fromEntries(
        Array.from({ length: 3000 }, (_, at) => [`d${at % 50}/f${at}.ts`, `export const v${at} = ${at};\n`]),
      ),
    );
    const session = open({ repository: { encodeMs: 0 } });
    const context = session.context.folders.all[0]?.index;
    session.context.lane.pause();
    let started = performance.now();
    await context?.upToDate();
    expect(context?.files.size).toBe(3000);
    expect(performance.now() - started).toBeLessThan(60_000);
    write({ 'd1/f1.ts': 'export const changed = 1;\n' });
    context?.noteChanges(['d1/f1.ts']);
    started = performance.now();
    await context?.upToDate();
    expect(performance.now() - started).toBeLessThan(20_000);
    started = performance.now();
    expect(session.context.chunksForQuestion([], 'changed v7')).toEqual([]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
