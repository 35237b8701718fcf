/** A hub, a folder of models and downloads from the one into the other: what the tests of downloads share. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { type FetchedModel, fetchHubModel } from '../../../language-server/models/hub/fetch-hub-model';
import { defaultTiming, type HubOptions, hubOptions, type Timing } from '../../../language-server/models/hub/options';
import { parseReference } from '../../../language-server/models/hub/reference';
import type { DownloadProgress } from '../../../language-server/protocol/models';
import { tinyModel } from '../../native/tools/tiny-model';
import { startHub, type TestHub } from './hub-server';

export const model = Buffer.from(tinyModel({ architecture: 'qwen2' }).bytes);
export const other = Buffer.from(tinyModel({ architecture: 'qwen2', seed: 2 }).bytes);
export const half = Math.floor(model.length / 2);

export const name = 'tiny-q4_k_m.gguf';
export const url = `/owner/repo/resolve/main/${name}`;
export const listing = '/api/models/owner/repo/tree/main';

export interface Choice {
  readonly hub?: HubOptions;
  readonly signal?: AbortSignal;
  readonly space?: () => Promise<number>;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

export interface HubFixture {
  readonly hub: TestHub;
  readonly folder: string;
  readonly timing: Timing;
  /** Milliseconds that would have been waited for. */
  readonly slept: number[];
  readonly steps: string[];
  readonly progress: DownloadProgress[];
  options(chosen?: Partial<HubOptions>): HubOptions;
  fetchModel(reference?: string, choice?: Choice): Promise<FetchedModel>;
  /** Where the model of `name` is in the end. */
  file(): string;
  filesOfFolder(): string[];
  /** The ranges that were asked for of it. */
  asked(): (string | undefined)[];
}

/** To be called once at the top of a test file; all is new for each test. */
export function useHub(): HubFixture {
  let hub: TestHub;
  let folder = '';
  const slept: number[] = [];
  const steps: string[] = [];
  const progress: DownloadProgress[] = [];

  beforeEach(async () => {
    hub = await startHub();
    folder = path.join(mkdtempSync(path.join(os.tmpdir(), 'fasa hub ü-')), 'models');
    for (const list of [slept, steps, progress]) {
      list.length = 0;
    }
    hub.put(`owner/repo/${name}`, model);
  });

  afterEach(async () => {
    await hub.close();
    rmSync(path.dirname(folder), { recursive: true, force: true });
  });

  const timing: Timing = {
    ...defaultTiming,
    maxAttempts: 4,
    sleep: async (ms) => {
      slept.push(ms);
    },
  };
  const options = (chosen: Partial<HubOptions> = {}): HubOptions => ({
    ...hubOptions({ endpoint: hub.endpoint }, {}, timing),
    ...chosen,
  });

  return {
    get hub() {
      return hub;
    },
    get folder() {
      return folder;
    },
    timing,
    slept,
    steps,
    progress,
    options,
    fetchModel: async (reference = 'owner/repo', choice = {}) => {
      const chosen = choice.hub ?? options();
      const parsed = parseReference(reference, chosen.endpoint);
      if (parsed === undefined) {
        throw new TypeError(`${reference} names nothing`);
      }
      return fetchHubModel(parsed, {
        hub: chosen,
        folder,
        signal: choice.signal ?? new AbortController().signal,
        onStep: (text) => steps.push(text),
        onProgress: (one) => {
          progress.push(one);
          choice.onProgress?.(one);
        },
        ...(choice.space === undefined ? {} : { space: choice.space }),
      });
    },
    file: () => path.join(folder, 'owner', 'repo', name),
    filesOfFolder: () =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
        .toSorted(),
    asked: () => hub.seen.filter((one) => one.path === url).map(({ range }) => range),
  };
}

/** Compared as a whole: a difference of megabytes tells nothing. */
export function holds(file: string, bytes: Buffer): boolean {
  return readFileSync(file).equals(bytes);
}

export function refusal(code: string, message: RegExp) {
  return { code, message: expect.stringMatching(message) as string };
}
