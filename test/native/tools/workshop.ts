/** What the native tests share: the addon, a folder for generated models, and an owner for all that they open. */

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect } from 'vitest';
import type { LaboratoryAddon, LaboratoryContext, LaboratoryModel, Reference } from '../../../bench/common/addon';
import { loadLaboratoryAddon } from '../../../bench/common/addon';
import type { NativeErrorCode } from '../../../language-server/base/errors';
import type {
  NativeContextOptions,
  NativeGenerateOptions,
  NativeTask,
} from '../../../language-server/engine/native/addon';
import { saveTinyModel, type TinyModelOptions } from './tiny-model';

/**
 * One is fastest for models this small: more wait for each other at every node, and the test files share the cores.
 * What more threads give is tested where it matters.
 */
export const threads = 1;

interface Workshop {
  readonly addon: LaboratoryAddon;
  /** Removed when the tests of the file are done. */
  readonly folder: string;
  /** The path of such a model; made once. */
  file(options: TinyModelOptions): string;
  /** A model is loaded once and shared by the tests of the file. */
  model(options: TinyModelOptions | string): Promise<LaboratoryModel>;
  context(model: LaboratoryModel, options: Omit<NativeContextOptions, 'threads'>): LaboratoryContext;
  reference(path: string, contextTokens: number): Promise<Reference>;
}

/** To be called once at the top of a test file. */
export function useWorkshop(): Workshop {
  const addon = loadLaboratoryAddon();
  const folder = mkdtempSync(path.join(tmpdir(), 'fasa-native-'));
  const models = new Map<string, Promise<LaboratoryModel>>();
  const opened: { dispose(): void }[] = [];

  afterAll(async () => {
    for (const one of opened.toReversed()) {
      one.dispose();
    }
    for (const model of await Promise.allSettled(models.values())) {
      if (model.status === 'fulfilled') {
        model.value.dispose();
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const workshop: Workshop = {
    addon,
    folder,
    file(options) {
      const name = createHash('sha256').update(JSON.stringify(options)).digest('hex').slice(0, 16);
      const file = path.join(folder, `${name}.gguf`);
      return existsSync(file) ? file : saveTinyModel(folder, name, options);
    },
    model(options) {
      const file = typeof options === 'string' ? options : workshop.file(options);
      let model = models.get(file);
      if (!model) {
        model = addon.loadModel({ path: file }, () => {}).promise;
        models.set(file, model);
      }
      return model;
    },
    context(model, options) {
      const context = model.createContext({ threads, ...options });
      opened.push(context);
      return context;
    },
    async reference(file, contextTokens) {
      const reference = await addon.loadReference(file, { contextTokens, threads }).promise;
      opened.push(reference);
      return reference;
    },
  };
  return workshop;
}

/** Dense teacher-forced logits of all positions from `from` on. */
export function denseLogits(context: LaboratoryContext, tokens: Int32Array, from = 0, stepwise = false) {
  const options = { tokens, from, stepwise, attention: 'dense', budget: 256, fasaFromTokens: 0 } as const;
  return context.evaluate(options).promise;
}

/** Greedy, dense and without stop tokens, but for what `change` says. */
export function greedy(
  tokens: Int32Array,
  maxTokens: number,
  change: Partial<NativeGenerateOptions> = {},
): NativeGenerateOptions {
  return {
    tokens,
    maxTokens,
    sampling: { temperature: 0, topK: 0, topP: 1, seed: 0 },
    stopTokens: [],
    attention: 'dense',
    budget: 256,
    fasaFromTokens: 0,
    priority: 0,
    ...change,
  };
}

interface NativeFailure {
  readonly code: NativeErrorCode;
  readonly message: string;
}

/**
 * The error that an action ends with, thrown at once or by its task. A success is a failed test.
 * Each has a code of the contract and a sentence.
 */
export async function failureOf(action: () => unknown): Promise<NativeFailure> {
  let result: unknown;
  try {
    result = action();
    if (result !== null && typeof result === 'object' && 'promise' in result) {
      result = await (result as NativeTask<unknown>).promise;
    } else {
      result = await result;
    }
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    const { code, message } = error as Error & { code?: unknown };
    expect(code, `the code of "${message}"`).toBeTypeOf('string');
    expect(message.length).toBeGreaterThan(8);
    return { code: code as NativeErrorCode, message };
  }
  throw new Error('An error was expected, but the action succeeded.');
}
