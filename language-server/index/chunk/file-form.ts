/** How a file is set off from others: by a comment that names it, or by the model's own separator token. */

import type { NativeSpecialTokens } from '../../engine/native/addon';

export type FileForm = 'comment' | 'separator';

export function fileForm({ fimPrefix, fimSuffix, fimMiddle, fimSeparator }: NativeSpecialTokens): FileForm {
  const middle = fimPrefix !== undefined && fimSuffix !== undefined && fimMiddle !== undefined;
  return middle && fimSeparator !== undefined ? 'separator' : 'comment';
}
