/**
 * Whether a file is the model of the catalogue that its name says: by its hash, which is computed once. What was found is kept
 * beside the file with what the file system says of it then, so that a server starts with a look and a small read.
 */

import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { access, type FileHandle, open, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { checkPlace, placeOf, readOwnText, writeWhole } from '../base/cache-files';
import { EngineError, throwIfAborted } from '../base/errors';
import type { ExpectedFile, WheelModel } from './catalogue';

export interface CheckOptions {
  readonly signal?: AbortSignal | undefined;
  /** 0 to 1, of a file that is read whole. */
  readonly onProgress?: ((share: number) => void) | undefined;
}

type ModelState =
  | { readonly kind: 'here' }
  | { readonly kind: 'absent' }
  /** What is there instead, as the end of a sentence that begins with the file. */
  | { readonly kind: 'wrong'; readonly what: string };

const pieceBytes = 1 << 20;

export function recordFile(file: string): string {
  return `${file}.verified`;
}

/** @throws EngineError CANCELLED; the file system's errors */
export async function stateOfModel(file: string, model: ExpectedFile, options: CheckOptions = {}): Promise<ModelState> {
  const stats = await stat(file).catch(() => undefined);
  if (stats === undefined) {
    return { kind: 'absent' };
  }
  if (!stats.isFile()) {
    return { kind: 'wrong', what: stats.isDirectory() ? 'is a folder' : 'is no file' };
  }
  if (readOwnText(recordFile(file), 4096) === recordOf(stats, model)) {
    return { kind: 'here' };
  }
  if (!(await isReadable(file))) {
    return { kind: 'wrong', what: 'may not be read by this user' };
  }
  const { what, stats: checked } = await checkContent(file, model, options);
  if (what !== undefined) {
    await rm(recordFile(file), { force: true }).catch(() => undefined);
    return { kind: 'wrong', what };
  }
  await keepRecord(file, model, checked);
  return { kind: 'here' };
}

/** One that is not there is none of its business. @throws EngineError WRONG_MODEL, CANCELLED */
export async function requireModel(file: string, model: WheelModel, options: CheckOptions = {}): Promise<void> {
  const state = await stateOfModel(file, model, options);
  if (state.kind === 'wrong') {
    throw wrongModel(file, model, state.what);
  }
}

function wrongModel(file: string, model: WheelModel, what: string): EngineError {
  return new EngineError('WRONG_MODEL', `${file} is not the model ${model.title}: it ${what}.`, {
    remedy: `Download the model again ("fasa-code models add ${model.name}" replaces the file), or choose a GGUF file of your own.`,
  });
}

/** Of a file whose content was just checked. */
export async function noteVerified(file: string, model: ExpectedFile): Promise<void> {
  await keepRecord(file, model, await stat(file));
}

/** All of a file is read. @returns what is wrong with it, as the end of a sentence; undefined for nothing */
export async function checkContent(
  file: string,
  model: ExpectedFile,
  { signal, onProgress }: CheckOptions,
): Promise<{ readonly what: string | undefined; readonly stats: Stats }> {
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const stats = await handle.stat();
    const what = await contentProblem(handle, stats, model, { signal, onProgress });
    const after = await handle.stat();
    const changed = recordOf(stats, model) !== recordOf(after, model);
    return { what: what ?? (changed ? 'was changed while it was read' : undefined), stats };
  } finally {
    await handle.close();
  }
}

async function contentProblem(
  handle: FileHandle,
  stats: Stats,
  model: ExpectedFile,
  { signal, onProgress }: CheckOptions,
): Promise<string | undefined> {
  if (!stats.isFile()) {
    return 'is no file';
  }
  if (stats.size !== model.bytes) {
    return `has ${stats.size} bytes instead of ${model.bytes}`;
  }
  const hash = createHash('sha256');
  const piece = Buffer.alloc(pieceBytes);
  for (let at = 0; at < stats.size; ) {
    throwIfAborted(signal);
    const { bytesRead } = await handle.read(piece, 0, piece.length, at);
    if (bytesRead === 0) {
      return 'ends early';
    }
    if (at === 0 && piece.toString('latin1', 0, Math.min(4, bytesRead)) !== 'GGUF') {
      return 'is no GGUF file';
    }
    hash.update(piece.subarray(0, bytesRead));
    at += bytesRead;
    onProgress?.(at / stats.size);
  }
  const sha256 = hash.digest('hex');
  return sha256 === model.sha256 ? undefined : `has the SHA-256 ${sha256} instead of ${model.sha256}`;
}

async function isReadable(file: string): Promise<boolean> {
  return access(file, constants.R_OK).then(
    () => true,
    () => false,
  );
}

/** Time stamps can be set, that of the last change cannot: so both are kept, and which file it is. */
function recordOf({ size, mtimeMs, ctimeMs, ino }: Stats, { sha256 }: ExpectedFile): string {
  return `${JSON.stringify({ size, mtimeMs, ctimeMs, ino, sha256 })}\n`;
}

/** A folder that is not to be written has none: the file is read whole again then. */
async function keepRecord(file: string, model: ExpectedFile, stats: Stats): Promise<void> {
  try {
    await checkPlace(placeOf(path.dirname(file)));
    await writeWhole(recordFile(file), recordOf(stats, model));
  } catch {
    // as it was
  }
}
