/**
 * Where a fenced block ends. CommonMark ends it at the first fence without a word, which is wrong where the block is a
 * text with fences of its own, or a change of lines that are fences. Decided by the lines before and the line after a
 * fence, so that an answer that still grows is not read otherwise later.
 */

export const searchLine = /^<{5,9} ?SEARCH\s*$/;
export const replaceLine = /^>{5,9} ?REPLACE\s*$/;

interface Opening {
  /** The white space before the fence. */
  readonly indent: string;
  /** The fence itself. */
  readonly mark: string;
  /** The word for the language; empty where there is none. */
  readonly language: string;
  /** The file that the block is said to be of. */
  readonly path: string | undefined;
}

export interface Ending {
  /** Where the lines of the block end. */
  readonly bodyEnd: number;
  /** Where what follows begins. */
  readonly end: number;
  readonly closed: boolean;
}

const texts = new Set('markdown md mdx mdc mkd mdown rmd qmd rst rest restructuredtext adoc asciidoc org'.split(' '));
const plainTexts = new Set(['', 'text', 'txt', 'plaintext', 'plain']);
const textEndings = /\.(?:md|mdx|mdc|markdown|mkd|rmd|qmd|rst|adoc|asciidoc|org)$/i;
/** A line that opens or closes a block: its indent, its mark, and what stands after that. */
export const fenceLine = /^([ \t]*)(`{3,}(?!`)|~{3,}(?!~))[ \t]*(?![ \t])([^`\n]*)$/;
const commands =
  '$ ,> ,npm ,npx ,pnpm ,yarn ,bun ,deno ,node ,pip ,pip3 ,pipx ,uv ,python ,python3 ,poetry ,conda ,cargo ,rustup ,go ,git ,gh ,make ,cmake ,docker ,podman ,kubectl ,helm ,brew ,apt ,apt-get ,sudo ,cd ,mkdir ,cp ,mv ,rm ,ls ,cat ,echo ,export ,curl ,wget ,ruby ,gem ,bundle ,mvn ,gradle ,./,dotnet ,composer ,php ,terraform '.split(
    ',',
  );

/** So many lines a block within a block may have whose first fence had no word. */
const maxGuessedLines = 400;
/** And a change that has not ended. */
const maxChangeLines = 2000;

/** @param ended nothing follows the text: what is still open is read as well as it can be */
export function fenceEnd(text: string, bodyStart: number, opening: Opening, ended: boolean): Ending {
  const { indent, mark, language, path } = opening;
  const isText = texts.has(language) || (path !== undefined && textEndings.test(path));
  const nests = isText || plainTexts.has(language);
  let guesses = isText || (nests && looksLikeText(text, bodyStart));
  let inner:
    | { readonly mark: string; readonly indent: string; readonly guessed?: Ending; readonly line: number }
    | undefined;
  let change: { readonly line: number; fence?: Ending } | undefined;
  let firstFence: Ending | undefined;
  let [previous, line] = ['```', 0];
  for (let at = bodyStart; at < text.length; line++) {
    const end = lineEnd(text, at);
    const words = text.slice(at, end).replace(/\r?\n$/, '');
    const found = fenceLine.exec(words);
    const bare = found !== null && (found[3] ?? '').trim() === '';
    const closes = found !== null && bare && canClose(found, mark, indent);
    const here: Ending = { bodyEnd: at, end, closed: true };
    if (closes) {
      firstFence ??= here;
    }
    const plain = words.startsWith(indent) ? words.slice(indent.length) : words.trimStart();
    if (searchLine.test(plain)) {
      if (change?.fence !== undefined) {
        return change.fence;
      }
      change ??= { line };
    } else if (change !== undefined) {
      if (replaceLine.test(plain)) {
        change = undefined;
      } else if (closes) {
        change.fence ??= here;
      }
      if (change?.fence !== undefined && line - change.line > maxChangeLines) {
        return change.fence;
      }
    } else if (inner !== undefined) {
      if (found !== null && bare && canClose(found, inner.mark, inner.indent)) {
        inner = undefined;
      } else if (inner.guessed !== undefined && (line - inner.line > maxGuessedLines || (found !== null && !bare))) {
        // a block cannot open within that one: the fence before was the end
        return inner.guessed;
      }
    } else if (closes) {
      const opens = guesses ? opensInner(previous, text, end, ended) : false;
      if (opens === undefined) {
        return { bodyEnd: text.length, end: text.length, closed: false };
      }
      if (!opens) {
        return here;
      }
      inner = { mark: found?.[2] ?? mark, indent: found?.[1] ?? indent, guessed: here, line };
    } else if (found !== null && !bare && nests && canOpen(found, mark)) {
      inner = { mark: found[2] ?? mark, indent: found[1] ?? indent, line };
      guesses = true;
    }
    previous = words;
    at = end;
  }
  const open: Ending = { bodyEnd: text.length, end: text.length, closed: false };
  if (!ended) {
    return open;
  }
  return change?.fence ?? inner?.guessed ?? (isText ? open : (firstFence ?? open));
}

/** Fences are as long as those they end, and not deeper in the text. */
function canClose([, indent = '', mark = '']: RegExpExecArray, opening: string, openingIndent: string): boolean {
  return mark[0] === opening[0] && mark.length >= opening.length && columns(indent) <= columns(openingIndent) + 3;
}

/** A fence that could not end the block is of no matter to it. */
function canOpen([, , mark = '', info = '']: RegExpExecArray, opening: string): boolean {
  return mark[0] === opening[0] && mark.length >= opening.length && isOpeningInfo(info.trim());
}

/** What an opening fence has behind it: one word, perhaps with settings or a file's name. */
export function isOpeningInfo(info: string): boolean {
  const second = /^[^\s{]*[\s,{]*/.exec(info)?.[0].length ?? 0;
  if (second === info.length || /[{[(]/.test(info.slice(0, second + 1))) {
    return true;
  }
  const setting = info.search(/(?<!\w)\w+\s*[=:]/);
  const last = info.search(/(?<!\S)\S+$/);
  return (setting !== -1 && setting <= second) || (last !== -1 && last <= second && /\S\.\w+$/.test(info.slice(last)));
}

function columns(indent: string): number {
  return indent.replaceAll('\t', '    ').length;
}

/**
 * Of a fence without a word: whether it opens a block within, by the line before and the line after.
 * @returns undefined where the line after is not there yet
 */
function opensInner(previous: string, text: string, next: number, ended: boolean): boolean | undefined {
  if (next >= text.length) {
    return false;
  }
  const end = lineEnd(text, next);
  const isWhole = ended || text[end - 1] === '\n';
  const after = text.slice(next, end).trim();
  if (after === '') {
    return isWhole ? false : undefined;
  }
  const before = previous.trim();
  if (/^(?:`{3,}|~{3,})$/.test(before)) {
    return false;
  }
  if (before === '' || /[:：]\**$/.test(before)) {
    return true;
  }
  const kind = kindOf(after, isWhole);
  const isTitle = /^#{1,6}\s/.test(before);
  return kind === undefined ? undefined : kind === 'code' || (isTitle && kind === 'unclear');
}

/** @returns undefined: it grows, and may turn out to be either */
function kindOf(line: string, isWhole: boolean): 'code' | 'prose' | 'unclear' | undefined {
  if (/^\p{Lu}[\p{Ll} '’]/u.test(line)) {
    return 'prose';
  }
  if (/^(?:[{<$@├└│]|\.{1,2}\/|#!)/u.test(line)) {
    return 'code';
  }
  if (!isWhole) {
    return undefined;
  }
  if (commands.some((command) => `${line} `.startsWith(command)) || /[{};=]|\w\(|^[\w.-]+\/$/.test(line)) {
    return 'code';
  }
  return line.split(/\s+/).length >= 4 ? 'prose' : 'unclear';
}

/** A block without a word that begins as a document does. */
function looksLikeText(text: string, bodyStart: number): boolean {
  return /^\s*(?:#{1,2} \S[^\n]*\n\s*\n|---\n[\w-]+:[^\n]*\n)/.test(text.slice(bodyStart, bodyStart + 400));
}

/** Where the line that holds an offset ends, its line break included. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}
