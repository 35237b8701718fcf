import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BackgroundCalibrator } from '../../../language-server/engine/calibration/background-calibrator';
import type { NativeModel } from '../../../language-server/engine/native/addon';

/** @param begins is called with how many documents were begun, this one included @returns how long it takes */
type Begins = (count: number) => number;

/** A model whose documents can be cancelled. */
function slowModel(begins: Begins, started: Int32Array[]): NativeModel {
  return {
    info: { name: 'Slow', architecture: 'llama', fingerprint: 'f', headSize: 8 },
    calibrate({ documents, sums }: Parameters<NativeModel['calibrate']>[0]) {
      started.push(...documents);
      const documentMs = begins(started.length);
      let cancel = () => {};
      const promise = new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          resolve({ dominantFcs: [[[0, 1]]], sums: Float64Array.of((sums?.[0] ?? 0) + 1) });
        }, documentMs);
        cancel = () => {
          clearTimeout(timer);
          reject(Object.assign(new Error('cancelled'), { code: 'CANCELLED' }));
        };
      });
      return { promise, cancel: () => cancel(), stop: () => {} };
    },
  } as unknown as NativeModel;
}

describe('the background calibrator', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-calibrator-'));
    file = path.join(folder, 'calibration', 'f.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const documents = [1, 2, 3].map((id) => Int32Array.of(id));
  const start = (begins: Begins, maxComputeMs?: number) => {
    const started: Int32Array[] = [];
    const calibrator = new BackgroundCalibrator({
      model: async () => slowModel(begins, started),
      quiet: async () => {},
      file,
      ...(maxComputeMs === undefined ? {} : { maxComputeMs }),
    });
    const { signal } = new AbortController();
    return { started, calibrator, run: () => calibrator.run({ documents, corpus: 'a test', signal }) };
  };

  it('writes one complete file', async () => {
    await start(() => 1).run();
    expect(readdirSync(path.dirname(file))).toEqual(['f.json']);
  });

  it('restarts only the document that a request interrupted', async () => {
    const { started, calibrator, run } = start((count) => {
      if (count !== 2) {
        return 1;
      }
      setTimeout(() => calibrator.preempt(), 0);
      return 60_000;
    });
    await run();
    expect(started.map(([id]) => id)).toEqual([1, 2, 2, 3]);
  });

  it('gives up after its time limit', async () => {
    const { started, run } = start(() => 30, 20);
    await expect(run()).rejects.toMatchObject({ code: 'TOO_SLOW' });
    expect(started).toHaveLength(1);
    expect(existsSync(file)).toBe(false);
  });

  it('stops when the engine closes', async () => {
    const { calibrator, run } = start(() => 10_000);
    const running = run();
    setTimeout(() => calibrator.close(), 5);
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
