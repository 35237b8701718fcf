/** Reads source files for the model: bounded, never out of the folder, read again only when they changed. */

import { open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { toLf } from '../text';
import { IgnoreRules } from './ignore-rules';
import { type LeftOutReason, leftOutByContent, leftOutByName, mostFileBytes } from './left-out';

export interface SourceFile {
  readonly absolute: string;
  /** Below the folder, forward slashes. */
  readonly path: string;
  /** LF line ends; invalid UTF-8 replaced. */
  readonly text: string;
  /** Changes when the file does. */
  readonly version: string;
}

export type ReadResult = { readonly file: SourceFile } | { readonly leftOut: LeftOutReason };

interface Cached {
  readonly version: string;
  readonly result: ReadResult;
}

const mostCached = 2000;

export class SourceFiles {
  readonly root: string;
  readonly rules: IgnoreRules;
  readonly #cache = new Map<string, Cached>();

  constructor(root: string) {
    this.root = path.resolve(root);
    this.rules = new IgnoreRules(this.root);
  }

  /** Path below the folder with forward slashes; undefined for one that is not in it. */
  relative(absolute: string): string | undefined {
    const relative = path.relative(this.root, absolute);
    const inside = relative !== '' && !path.isAbsolute(relative) && relative.split(path.sep)[0] !== '..';
    return inside ? relative.split(path.sep).join('/') : undefined;
  }

  /** @returns undefined when there is no such file */
  async read(absolute: string): Promise<ReadResult | undefined> {
    const info = await stat(absolute).catch(() => undefined);
    if (info === undefined || !info.isFile()) {
      return undefined;
    }
    const relative = this.relative(absolute);
    if (relative === undefined || !(await this.#isReallyInside(absolute))) {
      return { leftOut: 'outside the folder' };
    }
    if (await this.rules.ignores(relative, false)) {
      return { leftOut: 'ignored' };
    }
    const byName = leftOutByName(relative);
    if (byName !== undefined) {
      return { leftOut: byName };
    }
    if (info.size > mostFileBytes) {
      return { leftOut: 'too large' };
    }
    const version = `${info.mtimeMs}-${info.size}`;
    const cached = this.#cache.get(absolute);
    if (cached?.version === version) {
      return cached.result;
    }
    const result = await load(absolute, relative, version);
    if (this.#cache.size >= mostCached) {
      this.#cache.clear();
    }
    this.#cache.set(absolute, { version, result });
    return result;
  }

  /** Symbolic links may point anywhere. */
  async #isReallyInside(absolute: string): Promise<boolean> {
    try {
      const [root, target] = await Promise.all([realpath(this.root), realpath(absolute)]);
      return target.startsWith(root.endsWith(path.sep) ? root : root + path.sep);
    } catch {
      return false;
    }
  }
}

async function load(absolute: string, relative: string, version: string): Promise<ReadResult> {
  let bytes: Uint8Array;
  try {
    bytes = await readBounded(absolute);
  } catch {
    return { leftOut: 'unreadable' };
  }
  const text = toLf(new TextDecoder('utf-8').decode(bytes));
  const leftOut = leftOutByContent(bytes, text);
  return leftOut === undefined ? { file: { absolute, path: relative, text, version } } : { leftOut };
}

/** A file may grow between its stat and its read. */
async function readBounded(absolute: string): Promise<Uint8Array> {
  const handle = await open(absolute, 'r');
  try {
    const buffer = new Uint8Array(mostFileBytes);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, length);
      if (bytesRead === 0) {
        break;
      }
      length += bytesRead;
    }
    return buffer.subarray(0, length);
  } finally {
    await handle.close();
  }
}
