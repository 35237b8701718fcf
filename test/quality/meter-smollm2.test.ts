/** The meter over the real engine and the default model: figures of what is cached, and nothing in a request's way. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, GenerationRequest } from '../../language-server/engine/engine';
import { createNativeEngine } from '../../language-server/engine/native/native-engine';
import { defaultModelFile, realCode } from './default-model';

const budget = 96;

describe('the meter', { timeout: 240_000 }, () => {
  let engine: Engine;
  let request: GenerationRequest;
  const { signal } = new AbortController();

  beforeAll(async () => {
    engine = await createNativeEngine({ modelPath: defaultModelFile(), threads: 1, contextTokens: 1024, budget });
    const text = readFileSync(path.join(import.meta.dirname, '../../node_modules', realCode[0]), 'utf8');
    const sampling = { temperature: 0, topK: 1, topP: 1, seed: 0 };
    request = { sequence: 'inline', tokens: engine.tokenize(text).slice(0, 400), maxTokens: 2, sampling };
  }, 240_000);

  afterAll(() => engine.dispose());

  it('refuses to measure an empty cache', async () => {
    await expect(engine.measure('inline', signal)).rejects.toMatchObject({ code: 'TOO_FEW_TOKENS' });
  });

  it('measures speed and fidelity on the cached tokens and keeps them', async () => {
    const first = await engine.generate(request);
    const { atTokens, fasaMsPerToken, denseMsPerToken, kl, agreeing } = await engine.measure('inline', signal);
    const cached = engine.usage('inline').tokens;
    expect(cached).toBe(401);
    expect(atTokens).toBe(cached - kl.length);
    for (const ms of [fasaMsPerToken, denseMsPerToken]) {
      expect(ms).toBeGreaterThan(0.1);
    }
    // a quarter of the tokens is read: close to dense, and not the same
    const mean = kl.reduce((sum, one) => sum + one, 0) / kl.length;
    expect(mean).toBeGreaterThan(0);
    expect(mean).toBeLessThan(0.2);
    expect(agreeing).toBeGreaterThanOrEqual(kl.length / 2);
    const again = await engine.generate(request);
    expect(again.text).toBe(first.text);
    expect(again.stats.reusedTokens).toBe(399);
  });

  it('stops for a request', async () => {
    const measured = engine.measure('inline', signal);
    const ended = expect(measured).rejects.toMatchObject({ code: 'CANCELLED' });
    const { tokens } = await engine.generate(request);
    expect(tokens).toBeGreaterThan(0);
    await ended;
  });

  it('stops when its signal aborts', async () => {
    const controller = new AbortController();
    const measured = engine.measure('inline', controller.signal);
    controller.abort();
    await expect(measured).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
