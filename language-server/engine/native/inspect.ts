/** Reads a model's header without loading the model; errors name the file. */

import path from 'node:path';
import { EngineError, isCancelled, toEngineError } from '../../base/errors';
import type { NativeAddon, NativeModelInfo } from './addon';

/** @throws EngineError with any code that a bad file can cause */
export function inspectModel(addon: NativeAddon, file: string): NativeModelInfo {
  const absolute = path.resolve(file);
  try {
    return addon.inspectModel(absolute);
  } catch (error) {
    throw withFileName(error, absolute);
  }
}

/** Adds the file's name to an error of the addon, which only says what is wrong inside it. */
export function withFileName(error: unknown, file: string): EngineError {
  const failure = toEngineError(error);
  if (isCancelled(failure) || failure.message.includes(file)) {
    return failure;
  }
  const part = partOfSplit(failure, file);
  if (part !== undefined) {
    return new EngineError('UNSUPPORTED_MODEL', `${file} is ${part}.`, { cause: error, remedy: joinParts });
  }
  return new EngineError(failure.code, `${file} cannot be used as a model: ${sentence(failure.message)}`, {
    cause: error,
    remedy: failure.remedy,
  });
}

const joinParts =
  'Join the parts with "llama-gguf-split --merge FIRST-PART JOINED-FILE" and choose the joined file, or choose a model in one file.';

/** Names of parts: from `llama-gguf-split`, and from files that were split for a hub that does not accept large ones. */
const partNames = [/-0*(\d{1,5})-of-0*(\d{1,5})\.gguf$/i, /\.part0*(\d{1,5})of0*(\d{1,5})$/i];

/**
 * Which part of a split model a file is, by its header, or by its name if the file is not a whole model.
 * @returns undefined for a file that is not a part
 */
function partOfSplit({ code, message }: EngineError, file: string): string | undefined {
  const inHeader = /part \d+ of \d+ of a split model/.exec(message)?.[0];
  if (inHeader !== undefined) {
    return inHeader;
  }
  const isNoModel = code === 'NOT_GGUF' || code === 'BAD_GGUF' || code === 'MISSING_TENSOR';
  const [, part, parts] = partNames.map((pattern) => pattern.exec(file)).find((match) => match !== null) ?? [];
  return isNoModel && part !== undefined && Number(parts) > 1
    ? `by its name part ${part} of ${parts} of a split model`
    : undefined;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
