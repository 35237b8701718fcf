/** Calibrating piecewise and in the background: the same choice, kept where the next load finds it. */

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownCalibrationFile } from '../../language-server/engine/calibration/calibration';
import type { Engine } from '../../language-server/engine/engine';
import { createNativeEngine } from '../../language-server/engine/native/native-engine';
import { savePlantedModel } from './tools/planted-model';
import { Random } from './tools/random';
import { type TinyModelOptions, tinyTextTokens } from './tools/tiny-model';
import { failureOf, threads, useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const options: TinyModelOptions = { architecture: 'llama', heads: 6, kvHeads: 2, bias: false, feedForward: 128 };
const documents = [1, 2, 3].map((seed) => new Random(100 + seed).tokens(300, 0, tinyTextTokens));
const signal = new AbortController().signal;

describe('calibrating document by document', () => {
  it('gives the same choice as calibrating all at once', async () => {
    const model = await workshop.model(savePlantedModel(workshop.folder, options));
    const common = { dominantFcs: 8, threads };
    const whole = await model.calibrate({ ...common, documents }, () => {}).promise;
    let sums = new Float64Array();
    let last: typeof whole | undefined;
    for (const document of documents) {
      last = await model.calibrate({ ...common, documents: [document], sums }, () => {}).promise;
      sums = new Float64Array(last.sums ?? []);
    }
    expect(last?.dominantFcs).toEqual(whole.dominantFcs);
    expect(whole).not.toHaveProperty('sums');
  });

  it('is refused with the sums of another model', async () => {
    const model = await workshop.model(options);
    const asked = { documents, dominantFcs: 8, threads, sums: new Float64Array(7) };
    expect(await failureOf(() => model.calibrate(asked, () => {}))).toMatchObject({ code: 'BAD_ARGUMENT' });
  });
});

describe('the engine', () => {
  let cache: string;
  const before = process.env['FASA_CACHE_DIR'];
  const engines: Engine[] = [];
  beforeEach(() => {
    cache = mkdtempSync(path.join(os.tmpdir(), 'fasa-cache-'));
    process.env['FASA_CACHE_DIR'] = cache;
  });
  afterEach(async () => {
    await Promise.all(engines.splice(0).map((engine) => engine.dispose()));
    if (before === undefined) {
      delete process.env['FASA_CACHE_DIR'];
    } else {
      process.env['FASA_CACHE_DIR'] = before;
    }
    rmSync(cache, { recursive: true, force: true });
  });
  const load = async (attention: 'auto' | 'dense' = 'auto') => {
    const modelPath = savePlantedModel(workshop.folder, options);
    const engine = await createNativeEngine({ modelPath, attention, device: 'cpu', threads, contextTokens: 1024 });
    engines.push(engine);
    return engine;
  };

  it('calibrates itself, and the next engine finds the calibration', async () => {
    const engine = await load();
    expect(engine.attention.calibrated).toBe(false);
    const shares: number[] = [];
    await engine.calibration?.run({ documents, corpus: 'a test', signal, onProgress: (share) => shares.push(share) });
    expect(shares.at(-1)).toBeCloseTo(1);
    const file = JSON.parse(readFileSync(ownCalibrationFile(engine.model), 'utf8')) as Record<string, unknown>;
    expect(file).toMatchObject({ corpus: 'a test', tokens: 900, model: { fingerprint: engine.model.fingerprint } });
    const next = await load();
    expect(next.attention.calibrated).toBe(true);
    expect(next.calibration).toBeUndefined();
    expect((await load('dense')).calibration).toBeUndefined();
  });

  it('yields to a request and still makes the right choice', async () => {
    const engine = await load();
    let request: Promise<unknown> | undefined;
    const calibrating = engine.calibration?.run({
      documents,
      corpus: 'a test',
      signal,
      onProgress: () => {
        request ??= engine.generate({
          sequence: 'inline',
          tokens: new Random(3).tokens(64, 0, tinyTextTokens),
          maxTokens: 4,
          sampling: { temperature: 0, topK: 1, topP: 1, seed: 0 },
        });
      },
    });
    await calibrating;
    await request;
    const { dominantFcs } = JSON.parse(readFileSync(ownCalibrationFile(engine.model), 'utf8')) as Record<
      string,
      unknown
    >;
    const model = await workshop.model(savePlantedModel(workshop.folder, options));
    const whole = await model.calibrate({ documents, dominantFcs: engine.model.headSize / 4, threads }, () => {})
      .promise;
    expect(dominantFcs).toEqual(whole.dominantFcs);
  });

  it('writes nothing when calibration is cancelled, and resumes later', async () => {
    const engine = await load();
    const controller = new AbortController();
    const run = engine.calibration?.run({
      documents,
      corpus: 'a test',
      signal: controller.signal,
      onProgress: (share) => share > 0.4 && controller.abort(),
    });
    await expect(run).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(existsSync(ownCalibrationFile(engine.model))).toBe(false);
    const shares: number[] = [];
    await engine.calibration?.run({ documents, corpus: 'a test', signal, onProgress: (share) => shares.push(share) });
    expect(Math.min(...shares)).toBeGreaterThan(0.3);
    expect(existsSync(ownCalibrationFile(engine.model))).toBe(true);
  });

  it('ignores a calibration file that cannot be used', async () => {
    const { model } = await load();
    const file = ownCalibrationFile(model);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '{"format": "fasa-calib');
    const engine = await load();
    expect(engine.attention.calibrated).toBe(false);
    expect(engine.calibration).toBeDefined();
  });
});
