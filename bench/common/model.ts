/** What benchmarks and evaluations of a model need: its calibration, tokens for a prefill, and enough memory. */

import { EngineError } from '../../language-server/base/errors';
import type { OpenModel } from '../../language-server/cli/open-model';
import type { CalibrationFile } from '../../language-server/engine/calibration/calibration';
import type { ChunkEncoder, Engine } from '../../language-server/engine/engine';
import { memoryAvailable } from '../../language-server/engine/memory';
import type { NativeModel } from '../../language-server/engine/native/addon';
import { formatBytes } from '../../language-server/protocol/format';

/** @throws EngineError BAD_CALIBRATION */
export function needCalibration({ calibration, model }: OpenModel): CalibrationFile {
  if (calibration === undefined) {
    throw new EngineError('BAD_CALIBRATION', `There is no calibration file for ${model.info.name}.`, {
      remedy: 'Make one with the calibrate command and name it with --calibration FILE.',
    });
  }
  return calibration;
}

/** @throws EngineError BAD_CALIBRATION */
export function needChunks({ chunks, model }: Engine): ChunkEncoder {
  if (chunks === undefined) {
    throw new EngineError('BAD_CALIBRATION', `There is no calibration file for ${model.name}.`, {
      remedy: 'Make one with the calibrate command.',
    });
  }
  return chunks;
}

/** @throws EngineError OUT_OF_MEMORY, before anything is allocated */
export function needMemory(bytes: number, what: string): void {
  const free = memoryAvailable();
  if (bytes > free) {
    throw new EngineError(
      'OUT_OF_MEMORY',
      `${what} needs about ${formatBytes(bytes)} of memory, and ${formatBytes(free)} are free.`,
      { remedy: 'Close other programs, or leave the largest sizes out.' },
    );
  }
}

/** Tokens of a text that looks like code, always the same. Times do not depend on what it says. */
export function someTokens(model: NativeModel, count: number): Int32Array {
  const { addBos, bos } = model.info.tokens;
  const parts = addBos && bos !== undefined ? [bos] : [];
  for (let i = 0; parts.length < count; i++) {
    const text = `export function step${i}(items: Item[], limit = ${(i * 37) % 101}): number {
  return items.filter((item) => item.size > limit).reduce((sum, item) => sum + item.size * ${i + 2}, 0);
}\n\n`;
    parts.push(...model.tokenize(text, false));
  }
  return Int32Array.from(parts.slice(0, count));
}
