/**
 * `calibrate --corpus DIR --out FILE`: chooses the dominant frequency chunks of a model from a folder of sources. How chunks
 * of a repository are read beside a sequence is measured by the laboratory, where it is there; else the defaults stay.
 */

import path from 'node:path';
import { cancellable } from '../base/cancellable';
import { EngineError } from '../base/errors';
import {
  type CalibrationFile,
  calibrationFormat,
  calibrationVersion,
  saveCalibration,
} from '../engine/calibration/calibration';
import { joinCalibrationDocuments } from '../engine/calibration/documents';
import type { NativeModel } from '../engine/native/addon';
import { SourceFiles } from '../index/discover/source-files';
import { fileTexts } from '../index/file-texts';
import { type CommandLine, usageError } from './arguments';
import { findLaboratory } from './laboratory';
import { type OpenModel, withModel } from './open-model';
import type { Output } from './output';

/** Tokens of one document, and of all of them. Importance shows in long contexts, and more documents change little. */
const documentTokens = 4096;
const maxDocuments = 8;

export async function calibrate(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { corpus, options, out } = line;
  if (corpus === undefined || out === undefined || line.operands.length > 0) {
    throw usageError('calibrate takes --corpus DIR and --out FILE.');
  }
  const laboratory = findLaboratory();
  const decide = laboratory?.prepareDecision(line);
  if (laboratory === undefined && line.crossFile.cases !== '0') {
    const stays = line.calibration === undefined ? 'the defaults stay' : 'it stays as the given file has it';
    output.message(`How chunks are read is decided in the sources of FASA Code alone: here ${stays}.`);
  }
  const work = async (opened: OpenModel) => {
    const { name, architecture, fingerprint } = opened.model.info;
    const given = line.calibration === undefined ? undefined : opened.calibration;
    let file: CalibrationFile = given ?? {
      format: calibrationFormat,
      version: calibrationVersion,
      model: { name, architecture, fingerprint },
      corpus: line.label ?? path.basename(path.resolve(corpus)),
      ...(await chooseFcs(opened, corpus, output, signal)),
    };
    const decision = await decide?.({ ...opened, calibration: file }, output, signal);
    if (decision !== undefined) {
      file = { ...file, composition: decision.composition };
    }
    await saveCalibration(path.resolve(out), file);
    output.message(`Wrote ${path.resolve(out)}`);
    if (options.json) {
      const { model, tokens, composition } = file;
      output.json({ file: path.resolve(out), model, tokens, composition, candidates: decision?.candidates });
    }
  };
  await withModel(line, output, signal, work, decide === undefined ? undefined : laboratory?.loadAddon());
}

async function chooseFcs(
  { model, threads }: OpenModel,
  corpus: string,
  output: Output,
  signal: AbortSignal,
): Promise<Pick<CalibrationFile, 'tokens' | 'dominantFcs'>> {
  const documents = await readDocuments(model, corpus, signal);
  const tokens = documents.reduce((sum, document) => sum + document.length, 0);
  output.message(`${documents.length} documents, ${tokens} tokens`);
  // half of the head's frequency chunks: docs/calibration.md
  const dominantFcs = Math.max(1, model.info.headSize / 4);
  const started = performance.now();
  const task = model.calibrate({ documents, dominantFcs, threads }, (share) => output.progress('Calibrating', share));
  const chosen = await cancellable(task, signal);
  output.progressDone();
  output.message(`Frequency chunks chosen in ${Math.round((performance.now() - started) / 1000)} s`);
  return { tokens, dominantFcs: chosen.dominantFcs };
}

async function readDocuments(model: NativeModel, corpus: string, signal: AbortSignal): Promise<Int32Array[]> {
  const sources = new SourceFiles(corpus);
  const { addBos, bos } = model.info.tokens;
  const documents = await joinCalibrationDocuments(
    fileTexts([sources], signal),
    { tokenize: (text) => model.tokenize(text, false), start: addBos && bos !== undefined ? [bos] : [] },
    { documentTokens, maxDocuments },
  );
  if (documents.length === 0) {
    throw new EngineError('BAD_ARGUMENT', `There is too little source code in ${sources.root} to calibrate with.`, {
      remedy: 'Give a folder with at least some thousand lines of code.',
    });
  }
  return documents;
}
