/**
 * Files that are no usable model: each is refused with a typed error that names what is wrong, and the process goes on.
 * All of them go through one child process; the last one is a good model, which must still work.
 */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeGguf } from '../tools/gguf-writer';
import { Random } from '../tools/random';
import { type TinyModelOptions, tinyModel, tinyModelFile } from '../tools/tiny-model';
import { useWorkshop } from '../tools/workshop';
import { absurdHeaders, absurdTensors, absurdValues, cutFiles, notModels } from './hostile-bytes';
import type { Attempt, Attempts } from './hostile-child';
import { type HostileCase, HostileCorpus, withTensor } from './hostile-corpus';
import { unsupportedModels, wrongSizes, wrongTensors, wrongTypes, wrongVocabularies } from './hostile-models';
import { type Outcome, runIsolated } from './isolated';

const workshop = useWorkshop();

const groups = {
  'no model at all': notModels,
  'cut files': cutFiles,
  'absurd headers': absurdHeaders,
  'absurd values': absurdValues,
  'absurd tensors': absurdTensors,
  'keys of the wrong type': wrongTypes,
  'keys of the wrong size': wrongSizes,
  'models that the graph does not have': unsupportedModels,
  'wrong tensors': wrongTensors,
  'wrong vocabularies': wrongVocabularies,
} as const;

/** Far more than any file of the corpus needs, loaded or refused. */
const limitMs = 20_000;

const corpora = Object.entries(groups).map(([title, add], index) => {
  const corpus = new HostileCorpus(path.join(workshop.folder, `corpus-${index}`));
  add(corpus);
  return { title, cases: corpus.cases };
});

function expectRefusal(attempt: Attempt | 'accepted', { codes, mentions }: HostileCase): void {
  if (attempt === 'accepted') {
    throw new Error('the file was accepted');
  }
  expect(codes, attempt.message).toContain(attempt.code);
  if (mentions) {
    expect(attempt.message).toMatch(mentions);
  }
  // A message goes to a notification and a log: one short line, whatever the file holds.
  expect(attempt.message.length).toBeLessThan(600);
  expect(attempt.message).not.toMatch(/\p{Cc}/u);
}

describe('hostile files', () => {
  const outcomes = new Map<string, Outcome<Attempts>>();
  const healthy = workshop.file({ architecture: 'llama' });

  beforeAll(async () => {
    const inputs = [...corpora.flatMap(({ cases }) => cases.map((one) => ({ path: one.path }))), { path: healthy }];
    const results = await runIsolated<{ path: string }, Attempts>('hostile-child.ts', workshop.folder, inputs, limitMs);
    results.forEach((outcome, i) => {
      outcomes.set(inputs[i]?.path ?? '', outcome);
    });
  });

  describe.each(corpora)('$title', ({ cases }) => {
    it.each(cases.map((one) => [one.name, one] as const))('%s', (_, one) => {
      const outcome = outcomes.get(one.path);
      if (!outcome || 'crash' in outcome) {
        throw new Error(`the process did not survive: ${outcome?.crash}`);
      }
      if (!one.tokenizerOnly || outcome.result.inspect !== 'accepted') {
        expectRefusal(outcome.result.inspect, one);
      }
      expectRefusal(outcome.result.load, one);
    });
  });

  it('leave the process able to load a good model', () => {
    expect(outcomes.get(healthy)).toEqual({ result: { inspect: 'accepted', load: 'accepted', use: 'accepted' } });
  });
});

describe('weights that are not numbers', () => {
  const kinds = {
    'not a number': () => Number.NaN,
    infinite: (i: number) => (i % 2 === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY),
    'as large as can be': (i: number) => (i % 2 === 0 ? 3e38 : -3e38),
    'all the same': () => 1,
    nothing: () => 0,
  } as const;

  it.each(Object.entries(kinds))('make the model decode something or fail with a code: %s', async (_, weight) => {
    const file = tinyModelFile({ architecture: 'llama' });
    const inputs = ['token_embd.weight', 'blk.0.attn_k.weight', 'blk.1.ffn_down.weight', 'output.weight'].map(
      (name) => {
        const changed = withTensor(file, name, (tensor) => {
          const values = Float32Array.from({ length: tensor.data.length / 4 }, (_value, i) => weight(i));
          return { ...tensor, data: new Uint8Array(values.buffer) };
        });
        const target = path.join(workshop.folder, `${name}-${weight(0)}-${weight(1)}.gguf`);
        writeFileSync(target, writeGguf(changed).bytes);
        return { path: target };
      },
    );
    const outcomes = await runIsolated<{ path: string }, Attempts>(
      'hostile-child.ts',
      workshop.folder,
      inputs,
      limitMs,
    );
    for (const outcome of outcomes) {
      if ('crash' in outcome) {
        throw new Error(`the process did not survive: ${outcome.crash}`);
      }
      const { load, use } = outcome.result;
      expect(load).toBe('accepted');
      if (use !== 'accepted') {
        expect(use?.code).toBe('BACKEND');
      }
    }
  });
});

describe('unusual shapes', () => {
  const shapes: TinyModelOptions[] = [
    { architecture: 'llama', layers: 1 },
    { architecture: 'qwen2', layers: 1, heads: 1, kvHeads: 1 },
    { architecture: 'qwen3', layers: 1, tied: true },
    ...[8, 32, 80, 96, 256, 512].map((headSize) => ({ architecture: 'llama', headSize, feedForward: 64 }) as const),
    { architecture: 'llama', heads: 40, kvHeads: 1, headSize: 8, feedForward: 64 },
    { architecture: 'llama', heads: 64, kvHeads: 64, headSize: 8, feedForward: 64 },
    { architecture: 'qwen3', heads: 2, embedding: 8, feedForward: 8 },
  ];
  it.each(shapes)('decode or are refused, without a crash: %o', async (options) => {
    const inputs = [{ path: workshop.file(options) }];
    const [outcome] = await runIsolated<{ path: string }, Attempts>(
      'hostile-child.ts',
      workshop.folder,
      inputs,
      limitMs,
    );
    if (!outcome || 'crash' in outcome) {
      throw new Error(`the process did not survive: ${outcome?.crash}`);
    }
    const { load, use } = outcome.result;
    if (load !== 'accepted') {
      expect(load.code).toBe('UNSUPPORTED_MODEL');
    } else if (use !== 'accepted') {
      // What dense attention can do and FASA cannot.
      expect(use?.code).toBe('UNSUPPORTED_MODEL');
    }
  });
});

describe('unusual but valid files', () => {
  it.each([8, 64, 4096])('load with an alignment of %d bytes', async (alignment) => {
    const file = tinyModelFile({ architecture: 'llama' });
    const metadata = [...file.metadata, ['general.alignment', { type: 'u32', value: alignment }] as const];
    const target = path.join(workshop.folder, `aligned-${alignment}.gguf`);
    writeFileSync(target, writeGguf({ ...file, metadata, alignment }).bytes);
    const model = await workshop.model(target);
    const context = workshop.context(model, { contextTokens: 64 });
    const options = { from: 0, stepwise: false, attention: 'dense', budget: 64, fasaFromTokens: 0 } as const;
    const logits = await context.evaluate({ tokens: Int32Array.of(1, 2, 3), ...options }).promise;
    const plain = workshop.context(await workshop.model({ architecture: 'llama' }), { contextTokens: 64 });
    expect(logits).toEqual(await plain.evaluate({ tokens: Int32Array.of(1, 2, 3), ...options }).promise);
  });

  it('load from a path with spaces and letters of several scripts', async () => {
    const folder = path.join(workshop.folder, 'Modèle für 日本 🙂');
    mkdirSync(folder);
    const target = path.join(folder, 'ein Modell.gguf');
    writeFileSync(target, tinyModel({ architecture: 'qwen2' }).bytes);
    expect((await workshop.model(target)).info.path).toBe(target);
  });
});

/** More of them, by another seed: FASA_FUZZ_MUTATIONS=5000 FASA_FUZZ_SEED=7 npx vitest run test/native/hostile */
const mutations = Number(process.env['FASA_FUZZ_MUTATIONS'] ?? 300);
const fuzzSeed = Number(process.env['FASA_FUZZ_SEED'] ?? 20_26);

describe('random damage', () => {
  it('of the header never crashes, and each refusal has a code', { timeout: 120_000 + 200 * mutations }, async () => {
    const { bytes, dataStart } = tinyModel({ architecture: 'llama', embedding: 64, feedForward: 64 });
    const random = new Random(fuzzSeed);
    const inputs = Array.from({ length: mutations }, (_, i) => {
      const damaged = bytes.slice();
      // Most of a header is the vocabulary: half of the damage goes to what lies around it.
      const [from, to] = i % 2 === 0 ? [0, dataStart] : i % 4 === 1 ? [0, 1200] : [dataStart - 1600, dataStart];
      for (let flips = 1 + random.below(4); flips > 0; flips--) {
        const place = from + random.below(to - from);
        damaged[place] = random.below(2) === 0 ? random.below(256) : (damaged[place] ?? 0) ^ (1 << random.below(8));
      }
      const file = path.join(workshop.folder, `damaged-${i}.gguf`);
      writeFileSync(file, damaged);
      return { path: file };
    });
    const outcomes = await runIsolated<{ path: string }, Attempts>(
      'hostile-child.ts',
      workshop.folder,
      inputs,
      limitMs,
    );
    const failures = outcomes.flatMap((outcome, i) => {
      if ('crash' in outcome) {
        return [`mutation ${i}: ${outcome.crash}`];
      }
      return Object.entries(outcome.result).flatMap(([way, attempt]) =>
        attempt !== 'accepted' && (attempt.code === undefined || attempt.code === 'INTERNAL')
          ? [`mutation ${i}: ${way}: ${attempt.code}: ${attempt.message}`]
          : [],
      );
    });
    expect(failures).toEqual([]);
    const refused = outcomes.filter((outcome) => 'result' in outcome && outcome.result.load !== 'accepted');
    expect(refused.length).toBeGreaterThan(mutations / 6);
  });
});
