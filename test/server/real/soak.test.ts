/**
 * A hostile workspace for a while: no death, no request without an answer. FASA_SOAK_MINUTES makes it longer, FASA_SOAK_SEED
 * another one, and FASA_SOAK_ENGINE=model takes the server as it ships with the default model instead of the fake engine.
 */

import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { resolveModel } from '../../../language-server/models/resolve-model';
import { Random } from '../../native/tools/random';
import { type StartOptions, startServer, stopServers } from '../tools/client';
import { HostileWorkspace } from '../tools/hostile-workspace';
import { soak } from '../tools/soak';

const minutes = Number(process.env['FASA_SOAK_MINUTES'] ?? 0.2);
const seed = Number(process.env['FASA_SOAK_SEED'] ?? 1);
const isReal = process.env['FASA_SOAK_ENGINE'] === 'model';
const root = path.resolve(import.meta.dirname, '..', '..', '..');

let folder = '';
afterEach(async () => {
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

async function engine(): Promise<StartOptions> {
  const initializationOptions = { completion: { timeBudgetMs: 2000, maxTokens: 16 } };
  if (!isReal) {
    const answers = [{ when: '', text: 'first(1);\n' }];
    const fake = { answers, contextTokens: 8192, prefillMs: 2, tokenMs: 1, fasaFromTokens: 64, repository: {} };
    return { engine: fake, initializationOptions };
  }
  const cache = path.join(folder, 'cache');
  cpSync(path.join(root, 'language-server', 'models', 'calibration'), path.join(cache, 'calibration'), {
    recursive: true,
  });
  return {
    entry: 'language-server/main.ts',
    model: await resolveModel(''),
    environment: { FASA_ADDON: path.join(root, 'dist', 'native', 'addon.node'), FASA_CACHE_DIR: cache },
    initializationOptions,
  };
}

test(
  `${minutes} minutes with seed ${seed}`,
  async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-soak-'));
    const random = new Random(seed);
    const workspace = new HostileWorkspace(path.join(folder, 'workspace'), random);
    const client = await startServer({ ...(await engine()), folders: [workspace.root] });
    await client.untilState('ready');
    const milliseconds = minutes * 60_000;
    const figures = await soak(client, workspace, random, { milliseconds, pauseMs: isReal ? 100 : 10, maxWaiting: 40 });
    console.info(JSON.stringify(figures));
    expect(figures.answered).toBe(figures.requests);
    expect(figures.requests).toBeGreaterThan(20);
    if (minutes >= 10) {
      // what a heap keeps for later is no leak
      expect(figures.memory[1]).toBeLessThan(1.3 * figures.memory[0]);
    }
    expect(await client.stop()).toBe(0);
  },
  minutes * 60_000 + 300_000,
);
