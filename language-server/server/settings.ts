/** The server's settings: defaults, and a check of what a client sends. A wrong value falls back, with a reason. */

import path from 'node:path';
import { cacheFolder } from '../base/cache-folder';
import { isRecord } from '../base/is-record';
import type { Log } from '../base/log';
import type { AttentionMode, EngineSettings, StoreOptions } from '../engine/engine';
import type { ServerSettings } from '../protocol/server';

export const defaultSettings: ServerSettings = {
  modelPath: '',
  attention: 'auto',
  budget: 256,
  threads: 0,
  device: 'auto',
  contextTokens: 0,
  repository: {
    enabled: true,
    tokens: 0,
    exclude: [],
    diskGigabytes: 8,
    precision: 'f16',
    pauseOnBattery: true,
  },
  completion: {
    enabled: true,
    maxTokens: 64,
    timeBudgetMs: 5000,
    tailTokens: 1024,
    maxFileSizeKB: 2048,
    disabledLanguages: [],
  },
};

export interface CheckedSettings {
  readonly settings: ServerSettings;
  /** One sentence for each value that was not used. */
  readonly problems: readonly string[];
}

/** @param value what the client sent: undefined, a part of the settings, or anything else */
export function checkSettings(value: unknown): CheckedSettings {
  const problems: string[] = [];
  if (value !== undefined && value !== null && !isRecord(value)) {
    problems.push(`The settings are not an object but ${describe(value)}; the defaults are used.`);
  }
  const root = new Section(isRecord(value) ? value : {}, '', problems);
  const part = new Section(root.section('completion'), 'completion.', problems);
  const repository = new Section(root.section('repository'), 'repository.', problems);
  const base = defaultSettings;
  const settings: ServerSettings = {
    modelPath: root.text('modelPath', base.modelPath),
    attention: root.choice('attention', ['auto', 'dense', 'fasa-c', 'fasa-m'], base.attention),
    budget: root.integer('budget', 16, 65_536, base.budget),
    threads: root.integer('threads', 0, 256, base.threads),
    device: root.text('device', base.device),
    contextTokens: root.integer('contextTokens', 0, 1_048_576, base.contextTokens),
    repository: {
      enabled: repository.flag('enabled', base.repository.enabled),
      tokens: repository.integer('tokens', 0, 1_048_576, base.repository.tokens),
      exclude: repository.texts('exclude', base.repository.exclude),
      diskGigabytes: repository.integer('diskGigabytes', 1, 10_000, base.repository.diskGigabytes),
      precision: repository.choice('precision', ['f16', 'q8_0'], base.repository.precision),
      pauseOnBattery: repository.flag('pauseOnBattery', base.repository.pauseOnBattery),
    },
    completion: {
      enabled: part.flag('enabled', base.completion.enabled),
      maxTokens: part.integer('maxTokens', 1, 1024, base.completion.maxTokens),
      timeBudgetMs: part.integer('timeBudgetMs', 50, 120_000, base.completion.timeBudgetMs),
      tailTokens: part.integer('tailTokens', 32, 65_536, base.completion.tailTokens),
      maxFileSizeKB: part.integer(
        'maxFileSizeKB',
        1,
        1_048_576,
        // the name that the setting had in the version before
        part.integer('mostFileKilobytes', 1, 1_048_576, base.completion.maxFileSizeKB),
      ),
      disabledLanguages: part.texts('disabledLanguages', base.completion.disabledLanguages),
    },
  };
  return { settings, problems };
}

/** The settings that the engine is loaded with. */
export function engineSettings(settings: ServerSettings, log: Log): EngineSettings {
  const { modelPath, attention, budget, threads, device, contextTokens, repository } = settings;
  const store = chunkStore(attention, repository, log);
  return { modelPath, attention, budget, threads, device, contextTokens, ...(store === undefined ? {} : { store }) };
}

/**
 * Where the encoded chunks of all repositories are kept.
 * @returns undefined where attention is dense: then none are read
 */
export function chunkStore(
  attention: AttentionMode,
  { diskGigabytes, precision }: Pick<ServerSettings['repository'], 'diskGigabytes' | 'precision'>,
  log: Log,
): StoreOptions | undefined {
  return attention === 'dense'
    ? undefined
    : {
        folder: path.join(cacheFolder(), 'chunks'),
        maxBytes: diskGigabytes * 1e9,
        rowType: precision,
        onProblem: (message) => log.warn(message),
      };
}

class Section {
  readonly #values: Record<string, unknown>;
  readonly #prefix: string;
  readonly #problems: string[];

  constructor(values: Record<string, unknown>, prefix: string, problems: string[]) {
    this.#values = values;
    this.#prefix = prefix;
    this.#problems = problems;
  }

  section(name: string): Record<string, unknown> {
    return this.#take(name, 'an object', isRecord, {});
  }

  text(name: string, fallback: string): string {
    return this.#take(name, 'a string', (value): value is string => typeof value === 'string', fallback);
  }

  flag(name: string, fallback: boolean): boolean {
    return this.#take(name, 'true or false', (value): value is boolean => typeof value === 'boolean', fallback);
  }

  integer(name: string, min: number, max: number, fallback: number): number {
    const fits = (value: unknown): value is number =>
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
    return this.#take(name, `a whole number from ${min} to ${max}`, fits, fallback);
  }

  choice<T extends string>(name: string, choices: readonly T[], fallback: T): T {
    const fits = (value: unknown): value is T => choices.some((choice) => choice === value);
    return this.#take(name, `one of ${choices.join(', ')}`, fits, fallback);
  }

  texts(name: string, fallback: readonly string[]): readonly string[] {
    const fits = (value: unknown): value is string[] =>
      Array.isArray(value) && value.every((item) => typeof item === 'string');
    return this.#take<readonly string[]>(name, 'an array of strings', fits, fallback);
  }

  #take<T>(name: string, wanted: string, fits: (value: unknown) => value is T, fallback: T): T {
    const value = this.#values[name];
    if (value === undefined || value === null) {
      return fallback;
    }
    if (fits(value)) {
      return value;
    }
    this.#problems.push(
      `Setting ${this.#prefix}${name} must be ${wanted}, not ${describe(value)}; ${describe(fallback)} is used.`,
    );
    return fallback;
  }
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
