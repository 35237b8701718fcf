/** Calibration files: found by the model's fingerprint, checked against its shapes, written by `calibrate`. */

import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { checkPlace, makePlace, placeOf, readOwnText, writeWhole } from '../../base/cache-files';
import { cacheFolder } from '../../base/cache-folder';
import { EngineError } from '../../base/errors';
import { isRecord } from '../../base/is-record';
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
    /**
     * Maximum tokens of the chunks that one request retrieves. Files of earlier versions have this name, so it stays.
     */
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
  const problem = checkShapes(value['dominantFcs'], info) ?? checkComposition(value['composition']);
  if (problem !== undefined) {
    throw bad(problem);
  }
  return value as unknown as CalibrationFile;
}

/** Checks that a request can be made with the numbers. @returns what is wrong */
function checkComposition(value: unknown): string | undefined {
  if (value === undefined) {
    return undefined;
  }
  if (!isRecord(value)) {
    return 'composition is not an object';
  }
  const inRange = (name: string, min: number, max: number) => {
    const number = value[name];
    return number === undefined || (typeof number === 'number' && number >= min && number <= max);
  };
  const whole = ['lateTokens', 'mostTokens'].every(
    (name) => value[name] === undefined || Number.isInteger(value[name]),
  );
  const fits =
    inRange('lateTokens', 1, 4096) &&
    inRange('mostTokens', 1024, 1_048_576) &&
    inRange('bias', -100, 100) &&
    inRange('priorStrength', 0, 100);
  return whole && fits ? undefined : 'composition has a number out of range';
}

function checkShapes(value: unknown, info: Shapes): string | undefined {
  if (!Array.isArray(value) || value.length !== info.layers) {
    return `dominantFcs does not have the ${info.layers} layers of the model`;
  }
  const chunks = info.headSize / 2;
  let count: number | undefined;
  for (const [layer, heads] of value.entries()) {
    if (!Array.isArray(heads) || heads.length !== info.kvHeads) {
      return `layer ${layer} does not have the ${info.kvHeads} KV heads of the model`;
    }
    for (const [head, chosen] of heads.entries()) {
      const place = `layer ${layer}, KV head ${head}`;
      if (!Array.isArray(chosen) || chosen.length === 0) {
        return `${place} has no frequency chunks`;
      }
      count ??= chosen.length;
      if (chosen.length !== count) {
        return `${place} has ${chosen.length} frequency chunks, others have ${count}`;
      }
      let last = -1;
      for (const index of chosen) {
        if (typeof index !== 'number' || !Number.isInteger(index) || index <= last || index >= chunks) {
          return `${place} is not a list of ascending numbers from 0 to ${chunks - 1}`;
        }
        last = index;
      }
    }
  }
  return undefined;
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
