/** A proposed text of a file: made from what the file held when it was shown, and kept in step with it. */

import { type Hunk, hunksOf, withHunk } from './changes';
import { type Merged, mergeHunks } from './merge';

/** So many accepted changes can be undone in the file and are proposed again. */
const maxUndone = 50;

/** @typeParam Target what names the file */
export class Proposal<Target> {
  readonly target: Target;
  text: string;
  /** What the proposal was made from. */
  #base: string;
  /** Texts of the file before something was accepted, and what the proposal was made from then. */
  readonly #before: { readonly current: string; readonly base: string }[] = [];

  constructor(target: Target, base: string, text: string) {
    this.target = target;
    this.#base = base;
    this.text = text;
  }

  /** What is proposed: old lines are those of the text it was made from, new lines those of the proposed one. */
  hunks(): Hunk[] {
    return hunksOf(this.#base, this.text);
  }

  /**
   * The file has another text by now: edits beside the proposed changes become part of the proposal, so that nothing of
   * them is proposed to go. Edits in the lines of a change are left to {@link merged}.
   * @returns whether the proposed text is another one now
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

  /** An accepted change was undone: it is proposed again. */
  restore(current: string): boolean {
    const undone = current === this.#base ? undefined : this.#before.find((before) => before.current === current);
    this.#base = undone?.base ?? this.#base;
    return undone !== undefined;
  }

  /** The file's text with these changes in it. */
  merged(current: string, hunks: readonly Hunk[]): Merged {
    return mergeHunks(this.#base, current, hunks);
  }

  /** The changes have been written. @param hunks in the order of their lines */
  accepted(before: string, after: string, hunks: readonly Hunk[]): void {
    this.#before.unshift({ current: before, base: this.#base });
    this.#before.length = Math.min(this.#before.length, maxUndone);
    // an edit that the proposal could not follow stays apart from it
    this.#base =
      before === this.#base ? after : hunks.toReversed().reduce((base, hunk) => withHunk(base, hunk), this.#base);
  }
}
