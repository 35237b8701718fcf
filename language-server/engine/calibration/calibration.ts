/** Calibration files: found by the model's fingerprint, checked against its shapes, written by `calibrate`. */

import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkPlace, makePlace, placeOf, readOwnText, writeWhole } from '../../base/cache-files';
import { cacheFolder } from '../../base/cache-folder';
import { EngineError } from '../../base/errors';
import { type Check, fields, integer, isRecord, list, MessageError, numberIn, optional } from '../../protocol/validate';
import type { NativeCalibration, NativeModelInfo } from '../native/addon';

export const calibrationFormat = 'fasa-calibration';
export const calibrationVersion = 1;
const maxOwnBytes = 16 * 1024 * 1024;

export interface CalibrationFile extends NativeCalibration {
  readonly format: typeof calibrationFormat;
  readonly version: typeof calibrationVersion;
  readonly model: { readonly name: string; readonly architecture: string; readonly fingerprint: string };
  /** What the documents were, in words. */
  readonly corpus: string;
  /** Tokens that were observed. */
  readonly tokens: number;
  /** How chunks of a repository are read beside a sequence, where the defaults are not best for the model. */
  readonly composition?: {
    /** Tokens before the cursor that see the chunks. */
    readonly lateTokens?: number;
    /** Times ln(retrieved chunks): added to the logits of chunk tokens. */
    readonly bias?: number;
    /** Logits that a standard deviation of relevance is worth in the choice. */
    readonly priorStrength?: number;
    /** Maximum tokens of a request's retrieved chunks. Files of earlier versions have this name, so it stays. */
    readonly mostTokens?: number;
    /** How many names the composition was decided by. */
    readonly cases?: number;
  };
}

/** The composition of a model without a measured one: what was best for two models (docs/repository-evaluation.md). */
export const defaultComposition = { mostTokens: 8192, lateTokens: 256, bias: 0.1, priorStrength: 1 } as const;

type Shapes = Pick<NativeModelInfo, 'fingerprint' | 'layers' | 'kvHeads' | 'headSize'>;

/** Where shipped calibrations are: beside the bundle in `dist/`, or in `models/calibration` of the sources. */
function shippedFolders(): string[] {
  return [path.join(__dirname, 'calibration'), path.join(__dirname, '..', '..', 'models', 'calibration')];
}

/** Where the calibration of a model is kept that was made on this machine. */
export function ownCalibrationFile({ fingerprint }: Pick<NativeModelInfo, 'fingerprint'>): string {
  return path.join(cacheFolder(), 'calibration', `${fingerprint}.json`);
}

/**
 * The model's calibration: the shipped one, else the one made on this machine; undefined when there is none. An own file
 * that cannot be used counts as none, for it is made again.
 * @throws EngineError BAD_CALIBRATION when there is a shipped one that cannot be used
 */
export async function findCalibration(info: Shapes): Promise<CalibrationFile | undefined> {
  for (const folder of shippedFolders()) {
    const file = path.join(folder, `${info.fingerprint}.json`);
    const text = await textOf(file);
    if (text !== undefined) {
      return parseCalibration(text, file, info);
    }
  }
  const own = ownCalibrationFile(info);
  try {
    await checkPlace(placeOf(path.dirname(own)));
    const text = readOwnText(own, maxOwnBytes);
    return text === undefined ? undefined : parseCalibration(text, own, info);
  } catch {
    return undefined;
  }
}

async function textOf(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}

/** @throws EngineError BAD_CALIBRATION naming the first thing that is wrong */
export function parseCalibration(text: string, file: string, info: Shapes): CalibrationFile {
  const bad = (what: string) =>
    new EngineError('BAD_CALIBRATION', `The calibration file ${file} cannot be used: ${what}.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad('it is not JSON');
  }
  if (!isRecord(value) || value['format'] !== calibrationFormat) {
    throw bad(`its format is not "${calibrationFormat}"`);
  }
  if (value['version'] !== calibrationVersion) {
    throw bad(`its version is not ${calibrationVersion}`);
  }
  const model = value['model'];
  if (!isRecord(model) || model['fingerprint'] !== info.fingerprint) {
    throw bad('it was made for another model');
  }
  try {
    checkDominantFcs(value['dominantFcs'], info);
    checkComposition(value['composition'], 'composition');
  } catch (error) {
    throw error instanceof MessageError ? bad(error.message) : error;
  }
  return value as unknown as CalibrationFile;
}

/** Numbers that a request could be made with. */
const checkComposition = optional(
  fields({
    lateTokens: optional(integer(1, 4096)),
    mostTokens: optional(integer(1024, 1_048_576)),
    bias: optional(numberIn(-100, 100)),
    priorStrength: optional(numberIn(0, 100)),
  }),
);

/** @throws MessageError naming the layer and the KV head, by their places in the array */
function checkDominantFcs(value: unknown, { layers, kvHeads, headSize }: Shapes): void {
  const heads = ofLength(kvHeads, 'KV heads of the model', ascending(headSize / 2));
  const counts = ofLength(layers, 'layers of the model', heads)(value, 'dominantFcs').flat();
  const other = counts.find((count) => count !== counts[0]);
  if (other !== undefined) {
    throw new MessageError(`dominantFcs has heads of ${counts[0]} and of ${other} frequency chunks`);
  }
}

function ofLength<T>(length: number, what: string, check: Check<T>): Check<readonly T[]> {
  const checkAll = list(check);
  return (value, name) => {
    if (!Array.isArray(value) || value.length !== length) {
      throw new MessageError(`${name} must be an array of the ${length} ${what}`);
    }
    return checkAll(value, name);
  };
}

/** The frequency chunks of one KV head. @returns how many they are */
function ascending(end: number): Check<number> {
  return (value, name) => {
    const isGood =
      Array.isArray(value) &&
      value.length > 0 &&
      value.every((fc, at) => Number.isInteger(fc) && fc < end && fc > (at === 0 ? -1 : value[at - 1]));
    if (!isGood) {
      throw new MessageError(`${name} must be an array of ascending numbers from 0 to ${end - 1}`);
    }
    return value.length;
  };
}

/** Each layer has one line, so that differences can be read. */
function formatCalibration({ dominantFcs, ...rest }: CalibrationFile): string {
  const head = JSON.stringify(rest, null, 2).replace(/\n\}$/, '');
  return `${head},\n  "dominantFcs": [\n${dominantFcs.map((layer) => `    ${JSON.stringify(layer)}`).join(',\n')}\n  ]\n}\n`;
}

/** Writes the file where the user asked for it: whole or not at all. */
export async function saveCalibration(file: string, calibration: CalibrationFile): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeWhole(file, formatCalibration(calibration), 0o666);
}

/** Writes the file into the cache. @throws EngineError CACHE_REFUSED; the file system's errors */
export async function saveOwnCalibration(file: string, calibration: CalibrationFile): Promise<void> {
  await makePlace(placeOf(path.dirname(file)));
  await writeWhole(file, formatCalibration(calibration));
}
