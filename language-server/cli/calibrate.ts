/** `calibrate --corpus DIR --out FILE`: chooses the dominant frequency chunks of a model from a folder of sources. */

import path from 'node:path';
import { readCalibrationDocuments } from '../calibration/documents';
import type { NativeModel } from '../engine/addon';
import { type CalibrationFile, calibrationFormat, calibrationVersion, saveCalibration } from '../engine/calibration';
import { cancellable } from '../engine/cancellable';
import { EngineError } from '../engine/errors';
import { loadAddon } from '../engine/load-addon';
import { chooseThreads } from '../engine/threads';
import { resolveModel } from '../models/resolve-model';
import { SourceFiles } from '../repository/source-files';
import { type CommandLine, usageError } from './arguments';
import type { Output } from './output';

/** Tokens of a document, and of all: importance shows in long contexts, and more documents change little. */
const documentTokens = 4096;
const mostDocuments = 8;

export async function calibrate(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { corpus, options, out } = line;
  if (corpus === undefined || out === undefined || line.operands.length > 0) {
    throw usageError('calibrate takes --corpus DIR and --out FILE.');
  }
  const modelPath = await resolveModel(options.model, true);
  const loading = loadAddon().loadModel({ path: modelPath }, (share) => output.progress('Loading the model', share));
  const model = await cancellable(loading, signal);
  try {
    const documents = await readDocuments(model, corpus, signal);
    const tokens = documents.reduce((sum, document) => sum + document.length, 0);
    output.message(`${documents.length} documents, ${tokens} tokens`);
    // half of the head's frequency chunks: docs/calibration.md
    const dominantFcs = Math.max(1, model.info.headSize / 4);
    const task = model.calibrate({ documents, dominantFcs, threads: chooseThreads(options.threads) }, (share) =>
      output.progress('Calibrating', share),
    );
    const { dominantFcs: chosen } = await cancellable(task, signal);
    output.progressDone();
    const { name, architecture, fingerprint } = model.info;
    const file: CalibrationFile = {
      format: calibrationFormat,
      version: calibrationVersion,
      model: { name, architecture, fingerprint },
      corpus: line.label ?? path.basename(path.resolve(corpus)),
      tokens,
      dominantFcs: chosen,
    };
    await saveCalibration(path.resolve(out), file);
    output.message(`Wrote ${path.resolve(out)}`);
    if (options.json) {
      output.json({ file: path.resolve(out), model: file.model, documents: documents.length, tokens });
    }
  } finally {
    model.dispose();
  }
}

async function readDocuments(model: NativeModel, corpus: string, signal: AbortSignal): Promise<Int32Array[]> {
  const sources = new SourceFiles(corpus);
  const { addBos, bos } = model.info.tokens;
  const documents = await readCalibrationDocuments(
    [sources],
    { tokenize: (text) => model.tokenize(text, false), start: addBos && bos !== undefined ? [bos] : [] },
    { documentTokens, mostDocuments },
    signal,
  );
  if (documents.length === 0) {
    throw new EngineError('BAD_ARGUMENT', `There is too little source code in ${sources.root} to calibrate with.`, {
      remedy: 'Give a folder with at least some thousand lines of code.',
    });
  }
  return documents;
}
