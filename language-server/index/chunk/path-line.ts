/** The line that names a file to the model, as a comment of its language. */

import path from 'node:path';
import { isFileName, languageOfFile, languageWithId } from '../../base/languages';

/** @param relativePath with forward slashes */
export function commentPathLine(relativePath: string): string {
  const [open, close] = languageOfFile(relativePath)?.comment ?? ['//'];
  return close === undefined ? `${open} ${relativePath}` : `${open} ${relativePath} ${close}`;
}

/** A document that has no extension, because it was never saved, gets the one of its language. */
export function withEnding(relativePath: string, languageId: string): string {
  const base = path.posix.basename(relativePath);
  const extension = languageWithId(languageId)?.extensions[0] ?? languageId;
  const isNamed = base.includes('.') || isFileName(base) || languageId === 'plaintext' || extension === '';
  return isNamed ? relativePath : `${relativePath}.${extension}`;
}
