/** Files as tokens in front of a prompt, up to a limit, each behind its path line; the same files, the same tokens. */

import type { Engine } from '../engine/engine';
import { concatenate } from '../engine/token-parts';
import type { FileForm, PackedFiles } from './packed-files';
import { commentPathLine } from './path-line';
import type { SourceFile } from './source-files';

export interface Packed extends PackedFiles {
  /** In the order of the prompt: the most related is nearest to the tail. */
  readonly paths: readonly string[];
  readonly overLimit: readonly string[];
  readonly tokenCount: number;
}

/** A file that does not fit whole is cut at a line, if at least this many tokens of it fit. */
const leastPart = 96;
const mostCached = 500;

export class FilePacker {
  readonly #cache = new Map<string, Int32Array>();

  /** @param files most related first */
  pack(engine: Engine, files: readonly SourceFile[], form: FileForm, mostTokens: number): Packed {
    const chosen: { readonly path: string; readonly tokens: Int32Array }[] = [];
    const overLimit: string[] = [];
    let left = mostTokens;
    for (const file of files) {
      const tokens = left < leastPart ? undefined : this.#fit(engine, file, form, left);
      if (tokens === undefined) {
        overLimit.push(file.path);
        continue;
      }
      chosen.push({ path: file.path, tokens });
      left -= tokens.length;
    }
    chosen.reverse();
    return {
      form,
      tokens: chosen.map((file) => file.tokens),
      paths: chosen.map((file) => file.path),
      overLimit,
      tokenCount: mostTokens - left,
    };
  }

  clear(): void {
    this.#cache.clear();
  }

  /** The whole file, else its first lines. */
  #fit(engine: Engine, file: SourceFile, form: FileForm, left: number): Int32Array | undefined {
    // most files are far larger than what is left: those are cut before they are tokenized
    const mostChars = left * 8;
    const whole = file.text.length <= mostChars ? this.#tokens(engine, file, form, file.text) : undefined;
    if (whole !== undefined && whole.length <= left) {
      return whole;
    }
    const charsPerToken = whole === undefined ? 3 : file.text.length / whole.length;
    for (let share = 0.95; share > 0.3; share *= 0.75) {
      const cut = cutAtLine(file.text, Math.floor(left * charsPerToken * share));
      const tokens = cut === '' ? undefined : this.#tokens(engine, file, form, cut);
      if (tokens !== undefined && tokens.length <= left) {
        return tokens.length >= leastPart ? tokens : undefined;
      }
    }
    return undefined;
  }

  #tokens(engine: Engine, file: SourceFile, form: FileForm, text: string): Int32Array {
    const key = `${engine.model.fingerprint} ${form} ${file.absolute} ${file.version} ${text.length}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) {
      return cached;
    }
    const tokens = fileTokens(engine, file.path, text, form);
    if (this.#cache.size >= mostCached) {
      this.#cache.clear();
    }
    this.#cache.set(key, tokens);
    return tokens;
  }
}

function fileTokens(engine: Engine, filePath: string, text: string, form: FileForm): Int32Array {
  const separator = engine.model.tokens.fimSeparator;
  const body = text.endsWith('\n') ? text : `${text}\n`;
  if (form === 'separator' && separator !== undefined) {
    return concatenate([[separator], engine.tokenize(`${filePath}\n${body}`)]);
  }
  return engine.tokenize(`${commentPathLine(filePath)}\n${body}\n`);
}

function cutAtLine(text: string, chars: number): string {
  if (text.length <= chars) {
    return text;
  }
  return text.slice(0, text.lastIndexOf('\n', chars) + 1);
}
