/** Reads source files for the model: bounded, never out of the folder, read again only when they changed. */

import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { toLf } from '../../base/text';
import type { SecretSeen } from '../../protocol/server';
import type { Choices } from './choices';
import { IgnoreRules } from './ignore/ignore-rules';
import { versionControl } from './ignore/ignore-session';
import {
  type Inclusion,
  type LeftOutReason,
  leftOutByContent,
  leftOutByName,
  maxChosenBytes,
  maxFileBytes,
} from './left-out';
import { type ReadRefusal, readWorkspaceFile, realPathInside } from './read-file';
import { findSecret } from './secrets';

export interface SourceFile {
  readonly absolute: string;
  /** Path below the folder, with forward slashes. */
  readonly path: string;
  /** The text with LF line ends; invalid UTF-8 is replaced. */
  readonly text: string;
  /** Changes when the file does. */
  readonly version: string;
}

type ReadResult = { readonly file: SourceFile } | { readonly leftOut: LeftOutReason };

interface Cached {
  readonly version: string;
  readonly result: ReadResult;
}

const maxCached = 2000;

export class SourceFiles {
  readonly root: string;
  readonly rules: IgnoreRules;
  readonly choices: Choices | undefined;
  readonly #cache = new Map<string, Cached>();

  /** @param choices of the user; absent: none are taken */
  constructor(root: string, choices?: Choices) {
    this.root = path.resolve(root);
    this.rules = new IgnoreRules(this.root);
    this.choices = choices;
  }

  /** Path below the folder with forward slashes; undefined for one that is not in it. */
  relative(absolute: string): string | undefined {
    const relative = path.relative(this.root, absolute);
    const inside = relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..';
    return inside ? relative.split(path.sep).join('/') : undefined;
  }

  /** @returns undefined when there is no such file */
  async read(absolute: string): Promise<ReadResult | undefined> {
    const checked = await this.#check(absolute);
    if (checked === undefined || 'leftOut' in checked) {
      return checked;
    }
    const cached = this.#cache.get(absolute);
    if (cached?.version === checked.version) {
      return cached.result;
    }
    const result = await load(this.root, absolute, checked);
    if (this.#cache.size >= maxCached) {
      this.#cache.clear();
    }
    this.#cache.set(absolute, { version: checked.version, result });
    return result;
  }

  /**
   * Reads a file that the walk listed: as {@link read}, but keeps nothing, and does not read a file that did not change.
   * @param known the version of the file when it was read last
   * @returns 'unchanged' where the version is still the known one
   */
  async readListed(relative: string, known?: string): Promise<ReadResult | 'unchanged' | undefined> {
    const absolute = path.join(this.root, relative);
    const checked = await this.#stat(absolute, relative);
    if (checked === undefined || 'leftOut' in checked) {
      return checked;
    }
    if (checked.version === known) {
      return 'unchanged';
    }
    // the file may have become a link since it was listed: the reader checks
    return load(this.root, absolute, checked);
  }

  /**
   * What looks like a secret in a file that the user wants to include.
   * @returns undefined for a folder, and for a file without a secret
   */
  async secretIn(relative: string): Promise<SecretSeen | undefined> {
    const absolute = path.join(this.root, relative);
    const info = await stat(absolute).catch(() => undefined);
    if (info?.isFile() !== true) {
      return undefined;
    }
    const real = await realPathInside(this.root, absolute);
    if ([relative, real ?? relative].some((name) => leftOutByName(name, 'included') === 'secret')) {
      return { by: 'name' };
    }
    const read = await readWorkspaceFile(absolute, { maxBytes: maxChosenBytes, within: this.root, cut: true });
    const finding = 'refused' in read ? undefined : findSecret(new TextDecoder('utf-8').decode(read.bytes));
    return finding === undefined ? undefined : { by: 'content', ...finding };
  }

  async #check(absolute: string): Promise<Checked | { readonly leftOut: LeftOutReason } | undefined> {
    const info = await stat(absolute).catch(() => undefined);
    if (info === undefined || !info.isFile()) {
      return undefined;
    }
    const relative = this.relative(absolute);
    const real = await realPathInside(this.root, absolute);
    if (relative === undefined || real === undefined) {
      return { leftOut: 'outside the folder' };
    }
    const choice = this.choices?.of(relative);
    if (choice === 'exclude') {
      return { leftOut: 'excluded by you' };
    }
    const ignored = choice === 'include' ? undefined : await this.rules.whyIgnored(relative, false);
    if (ignored !== undefined) {
      return { leftOut: ignored };
    }
    // a link is what it leads to: `notes.md` may be `.env`, and `docs` may be `.git`
    const byRealName =
      real === relative ? undefined : this.#leftOutAs(real, this.choices?.inclusion(relative) ?? 'none');
    return byRealName === undefined ? this.#stat(absolute, relative) : { leftOut: byRealName };
  }

  #leftOutAs(real: string, inclusion: Inclusion): LeftOutReason | undefined {
    return real.split('/').some((name) => versionControl.has(name)) ? 'ignored' : leftOutByName(real, inclusion);
  }

  /** Decides by name and size. */
  async #stat(absolute: string, relative: string): Promise<Checked | { readonly leftOut: LeftOutReason } | undefined> {
    const info = await stat(absolute).catch(() => undefined);
    if (info === undefined || !info.isFile()) {
      return undefined;
    }
    const inclusion = this.choices?.inclusion(relative) ?? 'none';
    const byName = leftOutByName(relative, inclusion);
    if (byName !== undefined) {
      return { leftOut: byName };
    }
    const maxBytes = inclusion === 'none' ? maxFileBytes : maxChosenBytes;
    return info.size > maxBytes
      ? { leftOut: 'too large' }
      : { relative, version: versionOf(info, inclusion), inclusion, maxBytes };
  }
}

/** The version of a file changes with the user's choice: without it the same bytes may be left out. */
function versionOf({ mtimeMs, ctimeMs, size, ino }: Stats, inclusion: Inclusion): string {
  return `${mtimeMs}-${ctimeMs}-${size}-${ino} ${inclusion}`;
}

interface Checked {
  readonly relative: string;
  readonly version: string;
  readonly inclusion: Inclusion;
  readonly maxBytes: number;
}

async function load(
  root: string,
  absolute: string,
  { relative, version, inclusion, maxBytes }: Checked,
): Promise<ReadResult> {
  const read = await readWorkspaceFile(absolute, { maxBytes: maxBytes, within: root });
  if ('refused' in read) {
    return { leftOut: reasonOf(read.refused) };
  }
  const { bytes } = read;
  const text = toLf(new TextDecoder('utf-8').decode(bytes));
  const leftOut = leftOutByContent(bytes, text, inclusion);
  return leftOut === undefined ? { file: { absolute, path: relative, text, version } } : { leftOut };
}

function reasonOf(refusal: ReadRefusal): LeftOutReason {
  switch (refusal) {
    case 'too large':
    case 'outside the folder':
    case 'symbolic link':
      return refusal;
    default:
      return 'unreadable';
  }
}
