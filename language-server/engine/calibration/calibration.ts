/** Calibration files, which are found by the model's fingerprint and checked against its shapes. `calibrate` writes them. */

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
  /** A description of the documents. */
  readonly corpus: string;
  /** The number of observed tokens. */
  readonly tokens: number;
  /** How the chunks of a repository are read, where the defaults are not the best for the model. */
  readonly composition?: {
    /** Tokens before the cursor that see the chunks. */
    readonly lateTokens?: number;
    /** This times ln(retrieved chunks) is added to the logits of chunk tokens. */
    readonly bias?: number;
    /** What a standard deviation of relevance counts in the selection of tokens, in logits. */
    readonly priorStrength?: number;
    /** Maximum tokens of a request's retrieved chunks. Files of earlier versions have this name, so it stays. */
    readonly mostTokens?: number;
    /** The number of names that decided this. */
    readonly cases?: number;
  };
}

/** The composition of a model without a measured one: what two models arrived at (docs/repository-evaluation.md). */
export const defaultComposition = { mostTokens: 8192, lateTokens: 256, bias: 0.1, priorStrength: 1 } as const;

type Shapes = Pick<NativeModelInfo, 'fingerprint' | 'layers' | 'kvHeads' | 'headSize'>;

/** Where shipped calibrations are: next to the bundle in `dist/`, or for the sources in `models/calibration`. */
function shippedFolders(): string[] {
  return [path.join(__dirname, 'calibration'), path.join(__dirname, '..', '..', 'models', 'calibration')];
}

/** Where a model's calibration that was made on this machine is kept. */
export function ownCalibrationFile({ fingerprint }: Pick<NativeModelInfo, 'fingerprint'>): string {
  return path.join(cacheFolder(), 'calibration', `${fingerprint}.json`);
}

/**
 * Finds the model's calibration: the shipped one, or else the one that was made on this machine, or undefined. An unusable file
 * of this machine counts as none, because it can be made again.
 * @throws EngineError BAD_CALIBRATION if a shipped one cannot be used
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

/** Accepts numbers that requests can work with. */
const checkComposition = optional(
  fields({
    lateTokens: optional(integer(1, 4096)),
    mostTokens: optional(integer(1024, 1_048_576)),
    bias: optional(numberIn(-100, 100)),
    priorStrength: optional(numberIn(0, 100)),
  }),
);

/** @throws MessageError that names the layer and the KV head by their indices */
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

/** Checks the frequency chunks of one KV head. @returns how many there are */
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

/** Puts each layer on a line, so that differences are readable. */
function formatCalibration({ dominantFcs, ...rest }: CalibrationFile): string {
  const head = JSON.stringify(rest, null, 2).replace(/\n\}$/, '');
  return `${head},\n  "dominantFcs": [\n${dominantFcs.map((layer) => `    ${JSON.stringify(layer)}`).join(',\n')}\n  ]\n}\n`;
}

/** Writes a calibration where the user wants it: whole or not at all. */
export async function saveCalibration(file: string, calibration: CalibrationFile): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeWhole(file, formatCalibration(calibration), 0o666);
}

/** Writes a calibration into the cache. @throws EngineError CACHE_REFUSED; the file system's errors */
export async function saveOwnCalibration(file: string, calibration: CalibrationFile): Promise<void> {
  await makePlace(placeOf(path.dirname(file)));
  await writeWhole(file, formatCalibration(calibration));
}
