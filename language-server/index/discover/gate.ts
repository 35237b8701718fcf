/**
 * The gate for texts that become tokens and do not come from a walk: open documents, selections, texts attached to a
 * question. It asks of them what SourceFiles asks of files on disk: whether the name, the name of what a link leads to, or
 * the text itself is a secret.
 */

import { realpath } from 'node:fs/promises';
import path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { throwIfAborted } from '../../base/errors';
import type { Choices } from './choices';
import { versionControl } from './ignore/ignore-session';
import { type LeftOutReason, leftOutByName } from './left-out';
import { findSecret } from './secrets';

interface TextOfDocument {
  /** The documents that the text was taken from; absent: it belongs to none. */
  readonly uris?: readonly string[] | undefined;
  readonly text: string;
}

/**
 * The files in git's folder that people write; all others are git's own, and its configuration may contain passwords.
 */
const writtenForGit =
  /^(?:(?:COMMIT|TAG|NOTES|PULLREQ)_EDITMSG|(?:MERGE|SQUASH)_MSG|EDIT_DESCRIPTION|git-rebase-todo|addp-hunk-edit\.diff)$/;

/** Characters that are searched before requests get a turn. */
const sliceChars = 512 * 1024;
/** Secrets across the border of two slices are not longer than this. */
const overlapChars = 4096;
/** Milliseconds: a link may be set anew while its document is open. */
const realPathMs = 10_000;
const maxKnown = 200;

/** Where documents lie: WorkspaceFolders. */
interface DocumentPlaces {
  place(uri: string): {
    readonly folder: { readonly choices: Pick<Choices, 'inclusion'> } | undefined;
    readonly file: string | undefined;
    readonly path: string;
  };
}

export class Gate {
  readonly #folders: DocumentPlaces;
  readonly #realPaths = new Map<string, { readonly at: number; readonly found: Promise<string> }>();
  /** Decisions on whole texts: a question that is being written asks for the same texts at each pause. */
  readonly #judged = new Map<string, { readonly text: string; readonly hasSecret: boolean }>();

  constructor(folders: DocumentPlaces) {
    this.#folders = folders;
  }

  /**
   * Why a text is not read to the model.
   * @returns undefined: it may be read
   * @throws EngineError CANCELLED
   */
  async whyKeptOut({ uris = [], text }: TextOfDocument, signal?: AbortSignal): Promise<LeftOutReason | undefined> {
    let confirmed = 0;
    for (const uri of uris) {
      const { file, folder, path: relative } = this.#folders.place(uri);
      if (file !== undefined && folder?.choices.inclusion(relative) === 'confirmed') {
        confirmed++;
        continue;
      }
      const names = file === undefined ? [pathOf(uri)] : [file, await this.#realPath(file)];
      const byName = names.map(keptOutByName).find((reason) => reason !== undefined);
      if (byName !== undefined) {
        return byName;
      }
    }
    if (uris.length > 0 && confirmed === uris.length) {
      return undefined;
    }
    return (await this.#hasSecret(uris[0] ?? '', text, signal)) ? 'secret' : undefined;
  }

  async #hasSecret(key: string, text: string, signal: AbortSignal | undefined): Promise<boolean> {
    const known = this.#judged.get(key);
    if (known?.text === text) {
      return known.hasSecret;
    }
    let hasSecret = false;
    for (let at = 0; at < text.length && !hasSecret; at += sliceChars) {
      if (at > 0) {
        await nextTurn();
        throwIfAborted(signal);
      }
      hasSecret = findSecret(text.slice(at, at + sliceChars + overlapChars)) !== undefined;
    }
    remember(this.#judged, key, { text, hasSecret });
    return hasSecret;
  }

  /** The path of what a link leads to; the file's own path where the system cannot resolve it. */
  #realPath(file: string): Promise<string> {
    const now = performance.now();
    const known = this.#realPaths.get(file);
    if (known !== undefined && now - known.at < realPathMs) {
      return known.found;
    }
    const found = realpath(file).catch(() => file);
    remember(this.#realPaths, file, { at: now, found });
    return found;
  }
}

function remember<Value>(known: Map<string, Value>, key: string, value: Value): void {
  if (known.size >= maxKnown) {
    known.clear();
  }
  known.set(key, value);
}

function keptOutByName(name: string): LeftOutReason | undefined {
  const base = path.basename(name);
  if (leftOutByName(base, 'included') === 'secret') {
    return 'secret';
  }
  const isVersionControl = name.split(/[\\/]/).some((part) => versionControl.has(part));
  return isVersionControl && !writtenForGit.test(base) ? 'ignored' : undefined;
}

/** The path in the URI of a document that is no file: `git:/src/.env?...` shows a file. */
function pathOf(uri: string): string {
  try {
    return decodeURIComponent(new URL(uri).pathname);
  } catch {
    return uri;
  }
}
