/** Generating: what is reused, and that nothing that ends a task early is seen in what follows it. */

import { copyFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LaboratoryModel } from '../../bench/common/addon';
import type { NativeGenerateEvents } from '../../language-server/engine/native/addon';
import { compareLogits } from './tools/kl';
import { Random } from './tools/random';
import { type TinyModelOptions, tinyTextTokens, tinyVocabularySize } from './tools/tiny-model';
import { denseLogits, failureOf, greedy, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const quiet: NativeGenerateEvents = {};
const contextTokens = 512;
const options: TinyModelOptions = { architecture: 'llama', layers: 2, heads: 3, kvHeads: 1, feedForward: 128 };

let model: LaboratoryModel;
beforeAll(async () => {
  model = await workshop.model(options);
});

const prompt = new Random(3).tokens(100, 0, tinyTextTokens);
const otherPrompt = new Random(4).tokens(300, 0, tinyTextTokens);

/** What a context that has seen nothing else generates. */
async function freshOutput(tokens: Int32Array, maxTokens: number): Promise<number[]> {
  const context = workshop.context(model, { contextTokens });
  const result = await context.generate(greedy(tokens, maxTokens), quiet).promise;
  context.dispose();
  return [...result.tokens];
}

/** A prefill of hundreds of small micro-batches and a long decode: there is time to end it anywhere. */
function slowContext() {
  return workshop.context(model, { contextTokens: 4096, microBatch: 8 });
}
const longPrompt = new Random(5).tokens(2000, 0, tinyTextTokens);

describe('greedy generation', () => {
  it('chooses the most likely token at every step', async () => {
    const context = workshop.context(model, { contextTokens });
    const seen: number[] = [];
    const { tokens, reason, stats } = await context.generate(greedy(prompt, 12), {
      onToken: (token) => seen.push(token),
    }).promise;
    expect(reason).toBe('length');
    expect(tokens).toHaveLength(12);
    expect(seen).toEqual([...tokens]);
    expect(stats.reusedTokens).toBe(0);
    expect(stats.fedTokens).toBe(prompt.length);
    expect(stats.decodedTokens).toBe(12);
    expect(stats.fasaSteps).toBe(0);

    const whole = Int32Array.from([...prompt, ...tokens]);
    const logits = await denseLogits(workshop.context(model, { contextTokens }), whole, prompt.length - 1);
    tokens.forEach((token, i) => {
      const row = logits.subarray(i * tinyVocabularySize, (i + 1) * tinyVocabularySize);
      expect(row[token]).toBeCloseTo(Math.max(...row), 3);
    });
  });

  it('reports progress of the prefill after each micro-batch', async () => {
    const context = workshop.context(model, { contextTokens, microBatch: 32 });
    const progress: [number, number][] = [];
    await context.generate(greedy(prompt, 1), { onProgress: (fed, total) => progress.push([fed, total]) }).promise;
    expect(progress).toEqual([
      [32, 100],
      [64, 100],
      [96, 100],
      [100, 100],
    ]);
  });

  it('ends at a stop token, which is not part of the result', async () => {
    const tokens = await freshOutput(prompt, 8);
    const stop = tokens[4] ?? -1;
    const context = workshop.context(model, { contextTokens });
    const result = await context.generate(greedy(prompt, 8, { stopTokens: [stop] }), quiet).promise;
    expect(result.reason).toBe('stop-token');
    expect([...result.tokens]).toEqual(tokens.slice(0, tokens.indexOf(stop)));
  });

  it('samples the same with the same seed, and differently with another', async () => {
    const outputs = [];
    for (const seed of [1, 1, 2]) {
      const context = workshop.context(model, { contextTokens });
      const sampling = { temperature: 1.5, topK: 0, topP: 1, seed };
      const { tokens } = await context.generate(greedy(prompt, 24, { sampling }), quiet).promise;
      outputs.push([...tokens]);
      context.dispose();
    }
    expect(outputs[1]).toEqual(outputs[0]);
    expect(outputs[2]).not.toEqual(outputs[0]);
  });

  it('with top-k 1, or a top-p that one token fills, is greedy at any temperature', async () => {
    const expected = await freshOutput(prompt, 12);
    for (const narrow of [
      { topK: 1, topP: 1 },
      { topK: 0, topP: 1e-6 },
    ]) {
      const context = workshop.context(model, { contextTokens });
      const sampling = { temperature: 2, seed: 5, ...narrow };
      const { tokens } = await context.generate(greedy(prompt, 12, { sampling }), quiet).promise;
      expect([...tokens]).toEqual(expected);
      context.dispose();
    }
  });
});

describe('prefix reuse', () => {
  it.each([
    ['a part of it', 60],
    ['all of it', 100],
    ['nothing', 0],
  ])('shares %s with an earlier prompt and gives what a fresh context gives', async (_, shared) => {
    const context = workshop.context(model, { contextTokens });
    await context.generate(greedy(prompt, 10), quiet).promise;
    const next = Int32Array.from([...prompt.subarray(0, shared), ...otherPrompt.subarray(0, 50)]);
    // Where the prompts part, they must really do so.
    if (shared < prompt.length && next[shared] === prompt[shared]) {
      next[shared] = ((next[shared] ?? 0) + 1) % tinyTextTokens;
    }
    const result = await context.generate(greedy(next, 20), quiet).promise;
    expect(result.stats.reusedTokens).toBeGreaterThanOrEqual(shared);
    expect(result.stats.reusedTokens).toBeLessThan(shared + 5);
    expect(result.stats.fedTokens).toBe(next.length - result.stats.reusedTokens);
    expect([...result.tokens]).toEqual(await freshOutput(next, 20));
  });

  it('prefills one token of a prompt that is cached already', async () => {
    const context = workshop.context(model, { contextTokens });
    const first = await context.generate(greedy(prompt, 10), quiet).promise;
    const again = await context.generate(greedy(prompt, 10), quiet).promise;
    expect(again.stats.reusedTokens).toBe(prompt.length - 1);
    expect(again.stats.fedTokens).toBe(1);
    expect(again.tokens).toEqual(first.tokens);
  });

  it('keeps generated tokens, so a prompt that continues from them only prefills what is new', async () => {
    const context = workshop.context(model, { contextTokens });
    const first = await context.generate(greedy(prompt, 10), quiet).promise;
    const longer = Int32Array.from([...prompt, ...first.tokens, ...otherPrompt.subarray(0, 7)]);
    const second = await context.generate(greedy(longer, 10), quiet).promise;
    // The last generated token was never fed.
    expect(second.stats.reusedTokens).toBeGreaterThanOrEqual(prompt.length + 9);
    expect([...second.tokens]).toEqual(await freshOutput(longer, 10));
  });

  it('drops the tokens after a shorter prompt', async () => {
    const context = workshop.context(model, { contextTokens });
    await context.generate(greedy(otherPrompt, 10), quiet).promise;
    const short = otherPrompt.subarray(0, 40);
    const result = await context.generate(greedy(short, 10), quiet).promise;
    expect(result.stats.reusedTokens).toBe(39);
    expect([...result.tokens]).toEqual(await freshOutput(short, 10));
  });

  it('prefills everything again after clear()', async () => {
    const context = workshop.context(model, { contextTokens });
    const first = await context.generate(greedy(prompt, 10), quiet).promise;
    context.clear();
    const second = await context.generate(greedy(prompt, 10), quiet).promise;
    expect(second.stats.reusedTokens).toBe(0);
    expect(second.tokens).toEqual(first.tokens);
  });

  it('gives the logits of a fresh context after reuse', async () => {
    const context = workshop.context(model, { contextTokens });
    await context.generate(greedy(prompt, 10), quiet).promise;
    const next = Int32Array.from([...prompt.subarray(0, 60), ...otherPrompt.subarray(0, 50)]);
    await context.generate(greedy(next, 10), quiet).promise;
    const reused = await denseLogits(context, next);
    const fresh = await denseLogits(workshop.context(model, { contextTokens }), next);
    expect(compareLogits(fresh, reused, tinyVocabularySize).maxKl).toBeLessThan(1e-9);
  });
});

// what is mapped cannot be cut on Windows
describe.skipIf(process.platform === 'win32')('a model file that another program changes while it is loaded', () => {
  const opened = async (name: string) => {
    const file = path.join(workshop.folder, name);
    copyFileSync(workshop.file(options), file);
    const model = await workshop.model(file);
    const context = workshop.context(model, { contextTokens });
    return { file, model, context, run: () => context.generate(greedy(prompt, 4), {}) };
  };

  it('is not read any longer after it was truncated, and each request says why', async () => {
    const { file, model, context, run } = await opened('cut.gguf');
    await run().promise;
    truncateSync(file, 4096);
    for (const attempt of [run, () => context.generate(greedy(otherPrompt.slice(0, 50), 4), {})]) {
      const failure = await failureOf(attempt);
      expect(failure.code).toBe('FILE_UNREADABLE');
      expect(failure.message).toContain(`${file} was cut short`);
    }
    expect(model.tokenize('a', false).length).toBeGreaterThan(0);
  });

  it('is still read as it was after it was removed or replaced by another file', async () => {
    const { file, run } = await opened('replaced.gguf');
    const before = (await run().promise).tokens;
    rmSync(file);
    expect((await run().promise).tokens).toEqual(before);
    writeFileSync(file, 'short');
    expect((await run().promise).tokens).toEqual(before);
  });
});

describe('ending early', () => {
  it('a task cancelled in the queue never starts and does not disturb the running one', async () => {
    const [running, waiting] = [slowContext(), slowContext()];
    const first = running.generate(greedy(longPrompt, 20), quiet);
    const second = waiting.generate(greedy(prompt, 20), quiet);
    second.cancel();
    expect((await failureOf(() => second)).code).toBe('CANCELLED');
    expect((await first.promise).tokens).toHaveLength(20);
    const after = await waiting.generate(greedy(prompt, 20), quiet).promise;
    expect(after.stats.reusedTokens).toBe(0);
    expect([...after.tokens]).toEqual(await freshOutput(prompt, 20));
  });

  it('a generation cancelled in prefill leaves a correct cache', async () => {
    const context = slowContext();
    let batches = 0;
    const task = context.generate(greedy(longPrompt, 20), {
      onProgress: () => {
        batches++;
        if (batches === 3) {
          task.cancel();
        }
      },
    });
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
    expect(batches).toBeLessThan(longPrompt.length / 8);
    const next = longPrompt.subarray(0, 120);
    const after = await context.generate(greedy(next, 20), quiet).promise;
    expect(after.stats.reusedTokens).toBeGreaterThan(0);
    expect([...after.tokens]).toEqual(await freshOutput(next, 20));
  });

  it('a generation cancelled in decode leaves a correct cache', async () => {
    const context = slowContext();
    const seen: number[] = [];
    const task = context.generate(greedy(prompt, 3000), {
      onToken: (token) => {
        seen.push(token);
        if (seen.length === 3) {
          task.cancel();
        }
      },
    });
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
    expect(seen.length).toBeLessThan(3000);
    const next = Int32Array.from([...prompt, ...seen.slice(0, 2), ...otherPrompt.subarray(0, 9)]);
    const after = await context.generate(greedy(next, 20), quiet).promise;
    expect(after.stats.reusedTokens).toBeGreaterThanOrEqual(prompt.length);
    expect([...after.tokens]).toEqual(await freshOutput(next, 20));
  });

  it('a task can be cancelled at once, twice, and after its end', async () => {
    const context = slowContext();
    const task = context.generate(greedy(longPrompt, 2000), quiet);
    task.cancel();
    task.cancel();
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
    const done = context.generate(greedy(prompt, 5), quiet);
    const { tokens } = await done.promise;
    done.cancel();
    done.stop();
    expect([...tokens]).toEqual(await freshOutput(prompt, 5));
  });

  it('stop() ends after the current token and keeps the result so far', async () => {
    const context = slowContext();
    const seen: number[] = [];
    const task = context.generate(greedy(prompt, 3000), {
      onToken: (token) => {
        seen.push(token);
        if (seen.length === 3) {
          task.stop();
        }
      },
    });
    const { tokens, reason } = await task.promise;
    expect(reason).toBe('stopped');
    expect(tokens.length).toBeGreaterThanOrEqual(3);
    expect(tokens.length).toBeLessThan(3000);
    expect([...tokens]).toEqual(await freshOutput(prompt, tokens.length));
  });

  it('a cancelled evaluation leaves a usable context', async () => {
    const context = slowContext();
    const task = context.evaluate({
      tokens: longPrompt,
      from: 10,
      stepwise: true,
      attention: 'dense',
      budget: 256,
      fasaFromTokens: 0,
    });
    setTimeout(() => task.cancel(), 20);
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
    const after = await context.generate(greedy(prompt, 20), quiet).promise;
    expect([...after.tokens]).toEqual(await freshOutput(prompt, 20));
  });

  it('the loading of a model can be cancelled', async () => {
    // Behind something long: a small model would be loaded before it could be cancelled.
    const running = slowContext().generate(greedy(longPrompt, 5), quiet);
    const task = workshop.addon.loadModel({ path: model.info.path }, () => {});
    task.cancel();
    expect((await failureOf(() => task)).code).toBe('CANCELLED');
    expect((await running.promise).tokens).toHaveLength(5);
  });
});

describe('a full context', () => {
  it('ends a generation with what fits', async () => {
    const small = 110;
    const context = workshop.context(model, { contextTokens: small });
    const { tokens, reason } = await context.generate(greedy(prompt, 400), quiet).promise;
    expect(reason).toBe('context-full');
    // The last token needs no place: it is never fed.
    expect(tokens.length).toBeGreaterThanOrEqual(small - prompt.length);
    expect(tokens.length).toBeLessThanOrEqual(small - prompt.length + 1);
    expect([...tokens]).toEqual(await freshOutput(prompt, tokens.length));
    expect(context.usage().tokens).toBeLessThanOrEqual(small);
  });

  it('refuses a prompt that does not fit and keeps its tokens', async () => {
    const context = workshop.context(model, { contextTokens: 110 });
    await context.generate(greedy(prompt, 2), quiet).promise;
    const failure = await failureOf(() => context.generate(greedy(otherPrompt, 2), quiet));
    expect(failure.code).toBe('CONTEXT_FULL');
    expect(failure.message).toContain('300');
    expect(failure.message).toContain('110');
    const after = await context.generate(greedy(prompt, 5), quiet).promise;
    expect(after.stats.reusedTokens).toBe(prompt.length - 1);
  });
});

describe('several contexts', () => {
  it('run in turns without seeing each other', async () => {
    const [a, b] = [workshop.context(model, { contextTokens }), workshop.context(model, { contextTokens })];
    const outputs: [number[], number[]] = [[], []];
    let [ofA, ofB] = [prompt, otherPrompt.subarray(0, 80)];
    for (let round = 0; round < 3; round++) {
      const [first, second] = await Promise.all([
        a.generate(greedy(ofA, 4), quiet).promise,
        b.generate(greedy(ofB, 4), quiet).promise,
      ]);
      outputs[0].push(...first.tokens);
      outputs[1].push(...second.tokens);
      ofA = Int32Array.from([...ofA, ...first.tokens]);
      ofB = Int32Array.from([...ofB, ...second.tokens]);
    }
    expect(outputs[0]).toEqual(await freshOutput(prompt, 12));
    expect(outputs[1]).toEqual(await freshOutput(otherPrompt.subarray(0, 80), 12));
  });

  it('tasks run by priority, then in the order of their start', async () => {
    const context = slowContext();
    const first = context.generate(greedy(longPrompt, 1), quiet).promise;
    // Each begins when the one before it has ended: who waited longer came later.
    const waits = await Promise.all(
      [0, 9, 5, 0].map(async (priority, i) => {
        const { stats } = await context.generate(greedy(otherPrompt, 1, { priority }), quiet).promise;
        return [`${priority} as number ${i}`, stats.queueMs] as const;
      }),
    );
    await first;
    const order = waits.toSorted(([, a], [, b]) => a - b).map(([name]) => name);
    expect(order).toEqual(['9 as number 1', '5 as number 2', '0 as number 0', '0 as number 3']);
  });
});

describe('disposing', () => {
  it('ends the running task and refuses new ones', async () => {
    const context = slowContext();
    const task = context.generate(greedy(longPrompt, 2000), quiet);
    const waiting = context.generate(greedy(prompt, 20), quiet);
    const failures = Promise.all([failureOf(() => task), failureOf(() => waiting)]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    context.dispose();
    for (const { code } of await failures) {
      expect(['CANCELLED', 'DISPOSED']).toContain(code);
    }
    expect((await failureOf(() => context.generate(greedy(prompt, 2), quiet))).code).toBe('DISPOSED');
    expect((await failureOf(() => context.usage())).code).toBe('DISPOSED');
    context.dispose();
  });

  it('ends the generation of a context when its model is disposed', async () => {
    const own = await workshop.addon.loadModel({ path: model.info.path }, () => {}).promise;
    const context = own.createContext({ contextTokens: 4096, threads: 1, microBatch: 8 });
    const task = context.generate(greedy(longPrompt, 50), quiet);
    const settled = task.promise.then(
      ({ tokens }) => tokens.length,
      ({ code }: { code: string }) => code,
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    own.dispose();
    expect([50, 'CANCELLED', 'DISPOSED']).toContain(await settled);
    expect((await failureOf(() => own.createContext({ contextTokens: 64, threads: 1 }))).code).toBe('DISPOSED');
    expect((await failureOf(() => own.tokenize('text', false))).code).toBe('DISPOSED');
    context.dispose();
    own.dispose();
  });
});
