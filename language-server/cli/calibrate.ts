/** `calibrate --corpus DIR --out FILE`: chooses the dominant frequency chunks of a model from a folder of sources. */

import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { NativeModel } from '../engine/addon';
import { type CalibrationFile, calibrationFormat, calibrationVersion } from '../engine/calibration';
import { cancellable } from '../engine/cancellable';
import { EngineError } from '../engine/errors';
import { loadAddon } from '../engine/load-addon';
import { chooseThreads } from '../engine/threads';
import { resolveModel } from '../models/resolve-model';
import { commentPathLine } from '../repository/path-line';
import { SourceFiles } from '../repository/source-files';
import { walk } from '../repository/walk';
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
    await writeWhole(path.resolve(out), formatCalibration(file));
    output.message(`Wrote ${path.resolve(out)}`);
    if (options.json) {
      output.json({ file: path.resolve(out), model: file.model, documents: documents.length, tokens });
    }
  } finally {
    model.dispose();
  }
}

/** Files in path order, each after its path line, joined and cut into documents of equal length. */
async function readDocuments(model: NativeModel, corpus: string, signal: AbortSignal): Promise<Int32Array[]> {
  const sources = new SourceFiles(corpus);
  const documents: Int32Array[] = [];
  let open: number[] = startOf(model);
  for (const relative of await walk(sources, { signal })) {
    const result = await sources.read(path.join(sources.root, relative));
    if (result === undefined || !('file' in result)) {
      continue;
    }
    const tokens = model.tokenize(`${commentPathLine(relative)}\n${result.file.text}\n`, false);
    for (let at = 0; at < tokens.length; ) {
      const part = tokens.subarray(at, at + documentTokens - open.length);
      open.push(...part);
      at += part.length;
      if (open.length === documentTokens) {
        documents.push(Int32Array.from(open));
        open = startOf(model);
      }
    }
    if (documents.length >= mostDocuments) {
      return documents.slice(0, mostDocuments);
    }
  }
  if (open.length > 256 || documents.length === 0) {
    documents.push(Int32Array.from(open));
  }
  const [first] = documents;
  if (first === undefined || first.length < 256) {
    throw new EngineError('BAD_ARGUMENT', `There is too little source code in ${sources.root} to calibrate with.`, {
      remedy: 'Give a folder with at least some thousand lines of code.',
    });
  }
  return documents;
}

function startOf(model: NativeModel): number[] {
  const { addBos, bos } = model.info.tokens;
  return addBos && bos !== undefined ? [bos] : [];
}

/** One line a layer, so that differences can be read. */
function formatCalibration({ dominantFcs, ...rest }: CalibrationFile): string {
  const head = JSON.stringify(rest, null, 2).replace(/\n\}$/, '');
  return `${head},\n  "dominantFcs": [\n${dominantFcs.map((layer) => `    ${JSON.stringify(layer)}`).join(',\n')}\n  ]\n}\n`;
}

async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, text);
  await rename(temporary, file);
}
