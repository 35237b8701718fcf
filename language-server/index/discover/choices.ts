/**
 * The user's choices on files and folders of one repository: include or exclude. They are kept in the cache folder, never in
 * the repository, and written whole (temporary file, flush, rename), so that a crash leaves the old choices or the new ones.
 */

import { createHash } from 'node:crypto';
import path from 'node:path';
import { checkPlaceNow, makePlace, placeOf, readOwnText, writeWhole } from '../../base/cache-files';
import { type Checked, dictionary, fields, oneOf, optional } from '../../protocol/validate';
import type { Inclusion } from './left-out';

type Choice = 'include' | 'exclude';
/** As they are kept. The last: a file that the user included though it looks like a secret. */
const checkKept = oneOf('include', 'exclude', 'include secret');
type Kept = Checked<typeof checkKept>;

const maxChoices = 10_000;
/** The size of a file with as many choices, all on the longest paths. */
const maxFileBytes = 64 * 1024 * 1024;
const checkFile = fields({ choices: optional(dictionary(checkKept, maxChoices)) });

export class Choices {
  /** Why no choices are kept, for the log. */
  readonly problem: string | undefined;
  readonly #root: string;
  readonly #file: string;
  #choices: ReadonlyMap<string, Kept>;
  /** Folders that contain something included; computed when somebody asks, once per change. */
  #foldersWithIncluded: ReadonlySet<string> | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** @param root of the repository, absolute; @param folder where choices are kept */
  constructor(root: string, folder: string) {
    this.#root = root;
    const name = createHash('sha256').update(root).digest('hex').slice(0, 24);
    this.#file = path.join(folder, `${name}.json`);
    this.problem = problemOf(folder);
    this.#choices = read(this.#file);
  }

  /** The choice on this very path. */
  at(relative: string): Choice | undefined {
    return choiceOf(this.#choices.get(relative));
  }

  /** The choice on this path, or on the nearest folder above that has one. */
  of(relative: string): Choice | undefined {
    if (this.#choices.size === 0) {
      return undefined;
    }
    for (let at = relative; ; at = at.slice(0, at.lastIndexOf('/'))) {
      const choice = this.#choices.get(at);
      if (choice !== undefined || !at.includes('/')) {
        return choiceOf(choice ?? this.#choices.get(''));
      }
    }
  }

  /** How far the user has included this path. A choice on a folder does not include the secrets in it. */
  inclusion(relative: string): Inclusion {
    if (this.#choices.get(relative) === 'include secret') {
      return 'confirmed';
    }
    return this.of(relative) === 'include' ? 'included' : 'none';
  }

  /** Whether something below this folder is included. */
  includesBelow(relative: string): boolean {
    this.#foldersWithIncluded ??= foldersWithIncluded(this.#choices);
    return this.#foldersWithIncluded.has(relative);
  }

  /**
   * Takes a choice, at once; settles when the choice is on disk. '' is the whole repository.
   * @param confirmed the user has read what looks like a secret in the file
   * @throws EngineError CACHE_REFUSED, the file system's errors: then the choice lasts until the end of the process
   */
  set(relative: string, choice: Choice | 'default', confirmed = false): Promise<void> {
    const kept = choice === 'include' && confirmed ? 'include secret' : choice;
    this.#choices = changed(this.#choices, relative, kept);
    this.#foldersWithIncluded = undefined;
    const write = this.#writing.then(async () => {
      // another window may have written since
      await makePlace(placeOf(path.dirname(this.#file)));
      const choices = Object.fromEntries(changed(read(this.#file), relative, kept));
      await writeWhole(this.#file, `${JSON.stringify({ root: this.#root, choices }, null, 2)}\n`);
    });
    this.#writing = write.catch(() => undefined);
    return write;
  }
}

/** A walk asks for each folder that is left out: searching all choices each time would take too long. */
function foldersWithIncluded(choices: ReadonlyMap<string, Kept>): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const [relative, choice] of choices) {
    let end = choice === 'exclude' ? -1 : relative.lastIndexOf('/');
    for (let folder = relative.slice(0, Math.max(0, end)); end > 0 && !folders.has(folder); ) {
      folders.add(folder);
      end = folder.lastIndexOf('/');
      folder = folder.slice(0, Math.max(0, end));
    }
  }
  return folders;
}

function choiceOf(kept: Kept | undefined): Choice | undefined {
  return kept === 'include secret' ? 'include' : kept;
}

function changed(
  choices: ReadonlyMap<string, Kept>,
  relative: string,
  choice: Kept | 'default',
): ReadonlyMap<string, Kept> {
  const next = new Map(choices);
  next.delete(relative);
  if (choice !== 'default' && next.size < maxChoices) {
    next.set(relative, choice);
  }
  return next;
}

function problemOf(folder: string): string | undefined {
  try {
    checkPlaceNow(placeOf(folder));
    return undefined;
  } catch (error) {
    return `Choices on files are not kept: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** A file that is not there, not ours or broken holds no choices; a bad one in it costs itself. */
function read(file: string): ReadonlyMap<string, Kept> {
  try {
    checkPlaceNow(placeOf(path.dirname(file)));
    const value: unknown = JSON.parse(readOwnText(file, maxFileBytes) ?? '');
    return checkFile(value, 'choices', () => undefined).choices ?? new Map();
  } catch {
    return new Map();
  }
}
