/**
 * The paths of a folder's files for questions. The folder is walked for each question that is asked; while one is being
 * written, the list is remembered.
 */

import type { SourceFiles } from './source-files';
import { walk } from './walk';

export interface ListOptions {
  /** The folder is walked, so that files that came or went a moment ago count. */
  readonly fresh: boolean;
  readonly signal: AbortSignal;
}

/** Milliseconds for which a list is used: while no change is known, and after a change. */
const maxAgeMs = { unchanged: 30_000, changed: 2000 };

export class FileList {
  readonly #sources: SourceFiles;
  readonly #now: () => number;
  #known: { readonly paths: readonly string[]; readonly at: number; changed: boolean } | undefined;

  /** @param now milliseconds of a clock that never goes back */
  constructor(sources: SourceFiles, now: () => number = () => performance.now()) {
    this.#sources = sources;
    this.#now = now;
  }

  /** Files, rules or choices may have changed. */
  changed(): void {
    if (this.#known !== undefined) {
      this.#known.changed = true;
    }
  }

  /**
   * @returns paths below the folder with forward slashes, sorted by code units; the same list while it is remembered
   * @throws EngineError CANCELLED
   */
  async paths({ fresh, signal }: ListOptions): Promise<readonly string[]> {
    const known = this.#known;
    if (known !== undefined && !fresh) {
      const age = this.#now() - known.at;
      if (age < (known.changed ? maxAgeMs.changed : maxAgeMs.unchanged)) {
        return known.paths;
      }
    }
    const made = { paths: await walk(this.#sources, { signal }), at: this.#now(), changed: false };
    this.#known = made;
    return made.paths;
  }
}
