/** A model's header, without loading it; errors name the file. */

import path from 'node:path';
import type { NativeAddon, NativeModelInfo } from './addon';
import { EngineError, isCancelled, toEngineError } from './errors';

/** @throws EngineError of every code that a file can earn */
export function inspectModel(addon: NativeAddon, file: string): NativeModelInfo {
  const absolute = path.resolve(file);
  try {
    return addon.inspectModel(absolute);
  } catch (error) {
    throw namingFile(error, absolute);
  }
}

/** The addon says what is wrong inside of a file; here it is said which file that is. */
export function namingFile(error: unknown, file: string): EngineError {
  const failure = toEngineError(error);
  if (isCancelled(failure) || failure.message.includes(file)) {
    return failure;
  }
  return new EngineError(failure.code, `${file} cannot be used as a model: ${sentence(failure.message)}`, {
    cause: error,
    remedy: failure.remedy,
  });
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
