/** The child of the fault tests: encodes pieces into files, as often as it is told to, until somebody kills it. */

import path from 'node:path';
import { loadAddon } from '../../../language-server/engine/native/load-addon';
import { everySecondFc, writerAnchor, writerPieces } from './chunk-writer';

export interface WriterOrder {
  readonly model: string;
  readonly folder: string;
}

export interface WriterResult {
  readonly opened: number;
  readonly encoded: number;
  /** Why a chunk stayed in memory. */
  readonly problems: readonly string[];
  /** From the first file on. */
  readonly ms: number;
}

const addon = loadAddon();

/** What is there is opened, what is missing or broken is encoded. */
async function write({ model: file, folder }: WriterOrder): Promise<WriterResult> {
  const model = await addon.loadModel({ path: file }, () => undefined).promise;
  const encoder = model.createEncoder({
    anchor: writerAnchor,
    threads: 1,
    calibration: everySecondFc(model.info),
    rowType: 'f16',
    tier: 'fasa-m',
    chunkTokens: 512,
    microBatch: 48,
  });
  process.send?.('begun');
  const started = performance.now();
  const result = { opened: 0, encoded: 0, problems: [] as string[] };
  for (const { tokens, address } of writerPieces) {
    const target = path.join(folder, `${address}.kv`);
    try {
      (await encoder.open(target, address, { priority: 0 }).promise).dispose();
      result.opened++;
    } catch {
      const [chunk] = await encoder.encode([{ tokens, address, file: target }], { priority: 0 }, () => undefined)
        .promise;
      result.encoded++;
      if (chunk?.problem !== undefined) {
        result.problems.push(chunk.problem);
      }
      chunk?.dispose();
    }
  }
  const ms = performance.now() - started;
  encoder.dispose();
  model.dispose();
  return { ...result, ms };
}

process.on('message', (order: WriterOrder) => {
  write(order).then(
    (result) => process.send?.({ result }),
    (error: unknown) => {
      throw error;
    },
  );
});
process.send?.('ready');
