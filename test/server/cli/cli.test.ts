/** The command line as a process of its own: exit codes, streams, JSON, over the real addon and a tiny model. */

import { spawn } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ListedModel } from '../../../language-server/protocol/models';
import { saveTinyModel } from '../../native/tools/tiny-model';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
let folder = '';
let model = '';
let cli = '';
let packaged = '';

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-cli-'));
  model = saveTinyModel(folder, 'tiny', { architecture: 'llama', seed: 1 });
  cli = path.join(folder, 'cli.cjs');
  const common: BuildOptions = {
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  };
  await build({ ...common, entryPoints: [path.join(root, 'language-server', 'cli.ts')], outfile: cli });
  await build({
    ...common,
    entryPoints: [path.join(root, 'bench', 'main.ts')],
    outfile: path.join(folder, 'bench.js'),
  });
  // as it ships: without the laboratory beside it
  mkdirSync(path.join(folder, 'package'));
  packaged = path.join(folder, 'package', 'cli.cjs');
  copyFileSync(cli, packaged);
  const repo = path.join(folder, 'repo');
  mkdirSync(repo);
  writeFileSync(path.join(repo, 'a.ts'), "import { b } from './b';\n\nconst c = \r\n");
  writeFileSync(path.join(repo, 'b.ts'), 'export const b = 1;\n');
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** @param interrupt at the first output, or when that is settled */
function run(argv: readonly string[], interrupt: boolean | Promise<unknown> = false, program = cli): Promise<Ended> {
  const child = spawn(process.execPath, [program, ...argv], {
    cwd: path.join(folder, 'repo'),
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      FASA_MODEL: model,
      FASA_ADDON: path.join(root, 'dist', 'native', 'addon.node'),
      FASA_CACHE_DIR: path.join(folder, 'cache'),
      FASA_SYNTAX: path.join(root, 'dist', 'syntax'),
    },
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (data: Buffer) => {
    // a second Ctrl+C ends the process at once
    if (interrupt && out === '') {
      child.kill('SIGINT');
    }
    out += data.toString('utf8');
  });
  child.stderr.on('data', (data: Buffer) => {
    err += data.toString('utf8');
  });
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out, err })));
}

const common = ['--threads', '1', '--context-tokens', '2048'];

describe('complete', () => {
  test('prints only the text, and the same text with statistics as JSON', async () => {
    const plain = await run(['complete', 'a.ts:3:11', ...common]);
    const json = await run(['complete', 'a.ts:3:11', '--json', ...common]);
    expect(plain).toMatchObject({ code: 0, err: '' });
    expect(json).toMatchObject({ code: 0, err: '' });
    const result = JSON.parse(json.out) as Record<string, unknown>;
    expect(plain.out).toBe(result['text'] === '' ? '' : `${result['text'] as string}\n`);
    expect(result).toMatchObject({
      line: 3,
      column: 11,
      threads: 1,
      stats: { kind: 'inline', reusedTokens: 0, fasaSteps: 0 },
    });
    const { prompt, stats } = result as {
      prompt: { tokens: number; repositoryTokens: number };
      stats: { fedTokens: number };
    };
    // without a calibration no repository is read
    expect(prompt.repositoryTokens).toBe(0);
    expect(result).not.toHaveProperty('repository');
    expect(stats.fedTokens).toBe(prompt.tokens);
  });

  test.each([
    ['a file that is not there', ['complete', 'none.ts:1:1'], /none\.ts is not there/],
    ['a folder', ['complete', '.:1:1'], /is no file/],
    ['a line outside', ['complete', 'a.ts:99:1'], /has 4 lines, so there is no line 99/],
    ['a model that is not there', ['complete', 'a.ts:1:1', '--model', 'none.gguf'], /none\.gguf does not exist/],
    ['a model that is none', ['complete', 'a.ts:1:1', '--model', 'b.ts'], /b\.ts cannot be used as a model/],
    ['the default model before it was fetched', ['complete', 'a.ts:1:1', '--model', 'default'], /models add default/],
    ['FASA without calibration', ['complete', 'a.ts:1:1', '--attention', 'fasa-c'], /no calibration file/],
  ])('fails with one line for %s', async (_name, argv, message) => {
    const ended = await run([...argv, '--threads', '1']);
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toMatch(message);
    expect(ended.err.trim().split('\n')).toHaveLength(1);
  });
});

describe('context', () => {
  test('reads nothing without a calibration, and says so', async () => {
    const plain = await run(['context', ...common]);
    expect(plain).toMatchObject({ code: 0, out: '' });
    expect(plain.err).toContain('Nothing of a repository is read');
    const json = JSON.parse((await run(['context', '--json', ...common])).out) as Record<string, unknown>;
    expect(json).toMatchObject({ reads: false, folders: [{ files: [], tokens: 0 }] });
  });

  test('takes no operands', async () => {
    expect(await run(['context', 'a.ts', ...common])).toMatchObject({ code: 2 });
  });
});

describe('ask', () => {
  test('streams an answer, and prints the same one as JSON', async () => {
    const plain = await run(['ask', 'what does b.ts do?', ...common]);
    const json = await run(['ask', 'what does b.ts do?', '--json', ...common]);
    expect(plain).toMatchObject({ code: 0, err: '' });
    const result = JSON.parse(json.out) as { text: string };
    expect(plain.out).toBe(`${result.text}\n`);
    expect(result).toMatchObject({ citations: [], stats: { kind: 'chat' } });
  });

  test('stops at Ctrl+C', async () => {
    // a model that takes milliseconds for a token, and an answer of about a hundred: it is still going on when the signal comes
    const shape = { layers: 8, heads: 8, kvHeads: 2, feedForward: 1024 } as const;
    const slow = saveTinyModel(folder, 'slow', { architecture: 'llama', seed: 1, ...shape });
    const ended = await run(['ask', 'what?', '--seed', '4', '--model', slow, ...common], true);
    expect(ended.code).toBe(130);
    expect(ended.err).toContain('Interrupted.');
  }, 120_000);
});

describe('a hostile name', () => {
  const name = 'a\u001b]52;c;ZXZpbA==\u0007\u009b2J\u202e\nok   all is well';
  const shown = 'a\\u{1b}]52;c;ZXZpbA==\\u{7}\\u{9b}2J\\u{202e}\\nok   all is well';

  test.each([
    ['a file', ['complete', `${name}:1:1`]],
    ['a model', ['models', 'info', `${name}.gguf`]],
    ['a command', [name]],
    ['an option', ['ask', 'x', '--attention', name]],
  ])('is made visible, on one line, in the error about %s', async (_what, argv) => {
    const ended = await run(argv);
    expect(ended.out).toBe('');
    expect(ended.err).toContain(shown);
    expect(ended.err.trim().split('\n')).toHaveLength(1);
  });

  test('is made visible by doctor, and exact in JSON', async () => {
    const plain = await run(['doctor', '--model', `${name}.gguf`]);
    expect(plain.out).toContain(shown);
    expect(plain.out.split('\n')).not.toContain('ok   all is well.gguf does not exist.');
    const json = await run(['doctor', '--json', '--model', `${name}.gguf`]);
    expect(json.out).not.toContain('\u202e');
    const { findings } = JSON.parse(json.out) as { findings: { text: string }[] };
    expect(findings.map(({ text }) => text).join()).toContain(name);
  });

  test('is made visible when a model has it', async () => {
    const file = path.join(folder, `${name}.gguf`);
    copyFileSync(model, file);
    const { out, code } = await run(['models', 'info', file]);
    expect(code).toBe(0);
    expect(out).toContain(`${shown}.gguf`);
    expect((await run(['models', 'add', file])).err).toContain(`${shown}.gguf`);
  });
});

describe('usage errors', () => {
  test.each([
    [['frobnicate'], 'There is no command "frobnicate"'],
    [[], 'No command'],
    [['complete'], 'complete takes one'],
    [['complete', 'a.ts'], 'is not FILE:LINE:COLUMN'],
    [['ask'], 'ask takes a question'],
    [['ask', 'x', '--budget', 'x'], '--budget must be'],
    [['models', 'sell'], 'models takes'],
    [['calibrate'], '--corpus DIR and --out FILE'],
    [['calibrate', '--corpus', '.', '--out', 'x', '--tail', 'none'], '--tail must be'],
    [['bench', 'x'], 'bench takes one word'],
    [['eval'], 'eval takes one word'],
  ])('exit with 2 and print nothing on stdout: %j', async (argv, message) => {
    const ended = await run(argv);
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toContain(message);
  });

  test('do not include --help and --version', async () => {
    expect(await run(['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('Usage: fasa-code') as string,
    });
    expect(await run(['--version'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    });
  });
});

describe('doctor', () => {
  test('reports that everything works', async () => {
    const ended = await run(['doctor', '--json', '--threads', '1']);
    const { ok, findings } = JSON.parse(ended.out) as { ok: boolean; findings: { subject: string; ok: boolean }[] };
    expect({ code: ended.code, ok }).toEqual({ code: 0, ok: true });
    expect(findings.map((finding) => finding.subject)).toEqual([
      'program',
      'machine',
      'cache folder',
      'addon',
      'processor',
      'devices',
      'model',
      'other models',
      'decoding',
    ]);
  });

  test('reports a cache folder that is a link, and its owner', async () => {
    const link = path.join(folder, 'cache', 'chunks');
    symlinkSync(folder, link);
    try {
      const { code, out } = await run(['doctor', '--threads', '1']);
      expect(code).toBe(1);
      expect(out).toContain(`FAIL cache folder ${link} is a symbolic link`);
      expect(out).toContain('Remove it, or choose another cache folder');
    } finally {
      rmSync(link);
    }
  });

  test('says what to do about what does not work', async () => {
    const ended = await run(['doctor', '--model', 'default']);
    expect(ended.code).toBe(1);
    expect(ended.out).toMatch(/FAIL model.*There is no model yet.*\n.*download the default model/);
  });
});

describe('models', () => {
  test('list and load reject zeros of the right size, with the reason', async () => {
    const models = path.join(folder, 'cache', 'models');
    const file = path.join(models, 'SmolLM2-135M-Instruct.Q4_1.gguf');
    mkdirSync(models, { recursive: true });
    writeFileSync(file, '');
    truncateSync(file, 98_362_432);
    try {
      const { out } = await run(['models', 'list', '--json']);
      const listed = JSON.parse(out) as { models: ListedModel[] };
      expect(listed.models[0]).toMatchObject({ file, support: { supported: false, reason: 'is no GGUF file' } });
      const ended = await run(['complete', 'a.ts:1:1', '--model', 'default']);
      expect(ended).toMatchObject({ code: 1, out: '' });
      expect(ended.err).toMatch(/is not the model SmolLM2 135M Instruct: it is no GGUF file\. .*models add default/);
    } finally {
      rmSync(models, { recursive: true });
    }
  });

  test('info shows what is in a file, and whether it fits', async () => {
    const { code, out } = await run(['models', 'info', model, '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ architecture: 'llama', layers: 2, fits: true, calibrated: false });
  });

  test('add checks a file of the user', async () => {
    expect(await run(['models', 'add', model])).toMatchObject({ code: 0, out: '' });
    expect((await run(['models', 'add', 'a.ts'])).err).toContain('a.ts cannot be used as a model');
  });
});

describe('calibrate', () => {
  test('writes a file that the model accepts, the same for the same corpus', async () => {
    const corpus = path.join(folder, 'corpus');
    mkdirSync(corpus, { recursive: true });
    for (let index = 0; index < 3; index++) {
      const lines = Array.from({ length: 60 }, (_, line) => `export const value${line} = ${line * index};`);
      writeFileSync(path.join(corpus, `${index}.ts`), lines.join('\n'));
    }
    const out = path.join(folder, 'calibration.json');
    const argv = ['calibrate', '--corpus', corpus, '--label', 'numbers', '--threads', '1', '--out'];
    expect(await run([...argv, out])).toMatchObject({ code: 0, out: '' });
    const text = readFileSync(out, 'utf8');
    const file = JSON.parse(text) as { dominantFcs: number[][][] };
    expect(file).toMatchObject({
      format: 'fasa-calibration',
      version: 1,
      corpus: 'numbers',
      model: { architecture: 'llama' },
    });
    expect(file.dominantFcs).toHaveLength(2);
    expect(file.dominantFcs.flat().every((chosen) => chosen.length === 16)).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('.tmp'))).toEqual([]);
    const again = path.join(folder, 'again.json');
    await run([...argv, again]);
    expect(readFileSync(again, 'utf8')).toBe(text);
  });

  test('decides how chunks are read by names of other files, or says that it cannot', async () => {
    const corpus = path.join(folder, 'shared-names');
    mkdirSync(corpus, { recursive: true });
    const words = ['Alpha', 'Bravo', 'Delta', 'Gamma', 'Kappa', 'Lambda', 'Omega', 'Sigma', 'Theta', 'Zeta'];
    const filler = Array.from({ length: 30 }, (_, line) => `const local${line} = ${line} * ${line + 1};`).join('\n');
    writeFileSync(
      path.join(corpus, 'names.ts'),
      words.map((word) => `export function make${word}(size: number) { return size; }\n`).join(''),
    );
    for (const word of words) {
      writeFileSync(path.join(corpus, `${word}.ts`), `${filler}\nprint(make${word}(3));\n`);
    }
    const out = path.join(folder, 'composition.json');
    const argv = ['calibrate', '--corpus', corpus, '--threads', '1', '--tail', '256', '--json', '--out', out];
    const ended = await run(argv);
    expect(ended).toMatchObject({ code: 0 });
    const { composition } = JSON.parse(readFileSync(out, 'utf8')) as { composition?: Record<string, number> };
    expect(composition?.['cases']).toBe(10);
    expect([16, 64, 256]).toContain(composition?.['lateTokens']);
    expect([0, 1, 2, 4]).toContain(composition?.['priorStrength']);
    const { candidates } = JSON.parse(ended.out) as { candidates: { mean: number; kept: boolean }[] };
    expect(candidates.length).toBeGreaterThan(5);
    expect(candidates.every(({ mean }) => Number.isFinite(mean) && mean > 0)).toBe(true);
    // what was chosen before is kept, and only the composition is decided
    const none = path.join(folder, 'kept.json');
    await run(['calibrate', '--corpus', corpus, '--calibration', out, '--cases', '0', '--out', none]);
    expect(readFileSync(none, 'utf8')).toBe(readFileSync(out, 'utf8'));
  });

  test('keeps the defaults without the laboratory, and says so', async () => {
    const corpus = path.join(folder, 'shared-names');
    const out = path.join(folder, 'packaged.json');
    const argv = ['calibrate', '--corpus', corpus, '--threads', '1', '--out', out];
    const ended = await run(argv, false, packaged);
    expect(ended).toMatchObject({ code: 0, out: '' });
    expect(ended.err).toContain('decided in the sources of FASA Code alone: here the defaults stay.');
    expect(JSON.parse(readFileSync(out, 'utf8'))).not.toHaveProperty('composition');
    const quiet = await run([...argv, '--cases', '0'], false, packaged);
    expect(quiet.err).not.toContain('alone');
  });

  test('reports a corpus that is too small', async () => {
    const ended = await run(['calibrate', '--corpus', '.', '--out', path.join(folder, 'none.json')]);
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('too little source code');
  });
});

describe('the laboratory', () => {
  test.each([
    ['bench', 'decode'],
    ['eval', 'fidelity'],
  ])('is missing from a package, and %s says that it needs the sources', async (...argv) => {
    const ended = await run(argv, false, packaged);
    expect(ended).toMatchObject({ code: 1, out: '' });
    expect(ended.err).toBe(
      `The command "${argv[0]}" is not part of the packaged extension. It needs the sources of FASA Code, after "npm run setup" there: node dist/cli.js ${argv[0]}\n`,
    );
  });

  test('is loaded from next to the command line, and measures with its addon', async () => {
    const { code, out } = await run(['bench', 'decode', '--synthetic', 'd64h1g1', '--depths', '256', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ shape: 'd64h1g1', rows: [{ depth: 256 }] });
  });
});
