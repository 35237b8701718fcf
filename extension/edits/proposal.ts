/** A proposed text of a file. It follows edits of the file while it is shown. */

import { type Hunk, hunksOf, withHunk } from './changes';
import { type Merged, mergeHunks } from './merge';

/** The maximum number of accepted changes that are proposed again after an undo in the file. */
const maxUndone = 50;

/** @typeParam Target the type that names a file */
export class Proposal<Target> {
  readonly target: Target;
  text: string;
  /** The text that the proposal was made from. */
  #base: string;
  /** The file's text and the base of the proposal before each accepted change, the latest first. */
  readonly #before: { readonly current: string; readonly base: string }[] = [];

  constructor(target: Target, base: string, text: string) {
    this.target = target;
    this.#base = base;
    this.text = text;
  }

  /** @returns the proposed changes: old lines are those of the base, new lines those of the proposed text */
  hunks(): Hunk[] {
    return hunksOf(this.#base, this.text);
  }

  /**
   * Takes over edits of the file outside the proposed changes, so that they are not shown as removed. Edits in the lines of
   * a change are left to {@link merged}.
   * @returns whether the proposed text has changed
   */
  follow(current: string): boolean {
    if (current === this.#base) {
      return false;
    }
    if (this.restore(current)) {
      return false;
    }
    const { text, conflicts } = mergeHunks(this.#base, current, this.hunks());
    if (conflicts.length > 0) {
      return false;
    }
    const isOther = text !== this.text;
    this.#base = current;
    this.text = text;
    return isOther;
  }

  /** Proposes accepted changes again if the file's text shows that they were undone. @returns whether it does */
  restore(current: string): boolean {
    const undone = current === this.#base ? undefined : this.#before.find((before) => before.current === current);
    this.#base = undone?.base ?? this.#base;
    return undone !== undefined;
  }

  /** @returns the file's current text with these changes */
  merged(current: string, hunks: readonly Hunk[]): Merged {
    return mergeHunks(this.#base, current, hunks);
  }

  /** Records that changes were written. @param hunks the changes in the order of their lines */
  accepted(before: string, after: string, hunks: readonly Hunk[]): void {
    this.#before.unshift({ current: before, base: this.#base });
    this.#before.length = Math.min(this.#before.length, maxUndone);
    // an edit that the proposal could not take over stays out of its base
    this.#base =
      before === this.#base ? after : hunks.toReversed().reduce((base, hunk) => withHunk(base, hunk), this.#base);
  }
}
