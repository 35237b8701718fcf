/** The server's settings: defaults, and a check of what a client sends. A wrong value falls back, with a reason. */

import path from 'node:path';
import { cacheFolder } from '../base/cache-folder';
import type { Log } from '../base/log';
import type { AttentionMode, EngineSettings, StoreOptions } from '../engine/engine';
import type { ServerSettings } from '../protocol/server';
import {
  anyString,
  type Check,
  flag,
  integer,
  isRecord,
  MessageError,
  oneOf,
  record,
  strings,
} from '../protocol/validate';

export const defaultSettings: ServerSettings = {
  modelPath: '',
  attention: 'auto',
  budget: 256,
  threads: 0,
  device: 'auto',
  contextTokens: 0,
  models: { folders: [], mirror: '' },
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

interface CheckedSettings {
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
  const part = root.section('completion');
  const repository = root.section('repository');
  const models = root.section('models');
  const proxy = models.take('proxy', anyString, '');
  const base = defaultSettings;
  const maxFileSizeKB = integer(1, 1_048_576);
  const settings: ServerSettings = {
    modelPath: root.take('modelPath', anyString, base.modelPath),
    attention: root.take('attention', oneOf('auto', 'dense', 'fasa-c', 'fasa-m'), base.attention),
    budget: root.take('budget', integer(16, 65_536), base.budget),
    threads: root.take('threads', integer(0, 256), base.threads),
    device: root.take('device', anyString, base.device),
    contextTokens: root.take('contextTokens', integer(0, 1_048_576), base.contextTokens),
    models: {
      folders: models.take('folders', strings, base.models.folders),
      mirror: models.take('mirror', anyString, base.models.mirror).trim(),
      ...(proxy === '' ? {} : { proxy }),
    },
    repository: {
      enabled: repository.take('enabled', flag, base.repository.enabled),
      tokens: repository.take('tokens', integer(0, 1_048_576), base.repository.tokens),
      exclude: repository.take('exclude', strings, base.repository.exclude),
      diskGigabytes: repository.take('diskGigabytes', integer(1, 10_000), base.repository.diskGigabytes),
      precision: repository.take('precision', oneOf('f16', 'q8_0'), base.repository.precision),
      pauseOnBattery: repository.take('pauseOnBattery', flag, base.repository.pauseOnBattery),
    },
    completion: {
      enabled: part.take('enabled', flag, base.completion.enabled),
      maxTokens: part.take('maxTokens', integer(1, 1024), base.completion.maxTokens),
      timeBudgetMs: part.take('timeBudgetMs', integer(50, 120_000), base.completion.timeBudgetMs),
      tailTokens: part.take('tailTokens', integer(32, 65_536), base.completion.tailTokens),
      maxFileSizeKB: part.take(
        'maxFileSizeKB',
        maxFileSizeKB,
        // its name of the version before
        part.take('mostFileKilobytes', maxFileSizeKB, base.completion.maxFileSizeKB),
      ),
      disabledLanguages: part.take('disabledLanguages', strings, base.completion.disabledLanguages),
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

/** One object of the settings: what is wrong in it is reported, and its default used. */
class Section {
  readonly #values: Record<string, unknown>;
  readonly #prefix: string;
  readonly #problems: string[];

  constructor(values: Record<string, unknown>, prefix: string, problems: string[]) {
    this.#values = values;
    this.#prefix = prefix;
    this.#problems = problems;
  }

  section(name: string): Section {
    const values = this.take(name, record, {});
    return new Section(values, `${this.#prefix}${name}.`, this.#problems);
  }

  take<T>(name: string, check: Check<T>, fallback: T): T {
    const value = this.#values[name];
    if (value === undefined || value === null) {
      return fallback;
    }
    try {
      return check(value, `${this.#prefix}${name}`);
    } catch (error) {
      if (!(error instanceof MessageError)) {
        throw error;
      }
      this.#problems.push(`Setting ${error.message}, not ${describe(value)}; ${describe(fallback)} is used.`);
      return fallback;
    }
  }
}

function describe(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 40 ? `${text.slice(0, 40)}...` : text;
}
