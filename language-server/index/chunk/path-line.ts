/**
 * How a file is named to the model: by a comment line in the form of its language, or by a separator token of the
 * model.
 */

import path from 'node:path';
import { isFileName, languageOfFile, languageWithId } from '../../base/languages';
import type { NativeSpecialTokens } from '../../engine/native/addon';

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

type FileForm = 'comment' | 'separator';

/** How a file is set off from others: by a comment that names it, or by the model's own separator token. */
export function fileForm({ fimPrefix, fimSuffix, fimMiddle, fimSeparator }: NativeSpecialTokens): FileForm {
  const middle = fimPrefix !== undefined && fimSuffix !== undefined && fimMiddle !== undefined;
  return middle && fimSeparator !== undefined ? 'separator' : 'comment';
}
