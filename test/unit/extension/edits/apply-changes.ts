import { fitChanges } from '../../../../extension/edits/fit';
import type { Change } from '../../../../language-server/protocol/answer/answer';

/** The text with all changes in it. @throws Error with a sentence for each change that does not fit */
export function applyChanges(text: string, changes: readonly Change[]): string {
  const { text: result, failures } = fitChanges(text, changes);
  if (failures.length > 0) {
    throw new Error(failures.join(' '));
  }
  return result;
}
