/**
 * Finds the end of a fenced block. CommonMark ends it at the first fence without an info string, which is wrong if the block is
 * Markdown with fences of its own, or a change of lines that are fences. The lines before and the line after a fence decide, so
 * that a growing answer is not read differently later.
 */

export const searchLine = /^<{5,9} ?SEARCH\s*$/;
export const replaceLine = /^>{5,9} ?REPLACE\s*$/;

interface Opening {
  /** The whitespace before the fence. */
  readonly indent: string;
  /** The fence itself. */
  readonly mark: string;
  /** The language of the info string; empty when there is none. */
  readonly language: string;
  /** The file that the answer names for the block. */
  readonly path: string | undefined;
}

interface Ending {
  /** The offset where the lines of the block end. */
  readonly bodyEnd: number;
  /** The offset where the text after the block begins. */
  readonly end: number;
  readonly closed: boolean;
}

const texts = new Set('markdown md mdx mdc mkd mdown rmd qmd rst rest restructuredtext adoc asciidoc org'.split(' '));
const plainTexts = new Set(['', 'text', 'txt', 'plaintext', 'plain']);
const textEndings = /\.(?:md|mdx|mdc|markdown|mkd|rmd|qmd|rst|adoc|asciidoc|org)$/i;
/** Matches a line that opens or closes a block: its indentation, its fence, and its info string. */
export const fenceLine = /^([ \t]*)(`{3,}(?!`)|~{3,}(?!~))[ \t]*(?![ \t])([^`\n]*)$/;
const commands =
  '$ ,> ,npm ,npx ,pnpm ,yarn ,bun ,deno ,node ,pip ,pip3 ,pipx ,uv ,python ,python3 ,poetry ,conda ,cargo ,rustup ,go ,git ,gh ,make ,cmake ,docker ,podman ,kubectl ,helm ,brew ,apt ,apt-get ,sudo ,cd ,mkdir ,cp ,mv ,rm ,ls ,cat ,echo ,export ,curl ,wget ,ruby ,gem ,bundle ,mvn ,gradle ,./,dotnet ,composer ,php ,terraform '.split(
    ',',
  );

/** The maximum number of lines of an inner block whose opening fence has no language. */
const maxGuessedLines = 400;
/** The maximum number of lines of a change that has not ended. */
const maxChangeLines = 2000;

/** @param ended whether the text is complete: then the end of an open block is guessed */
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
        // no block can open within that one, so the fence before was the end
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

/** A closing fence is at least as long as the opening one, and not indented deeper. */
function canClose([, indent = '', mark = '']: RegExpExecArray, opening: string, openingIndent: string): boolean {
  return mark[0] === opening[0] && mark.length >= opening.length && columns(indent) <= columns(openingIndent) + 3;
}

/** A fence opens an inner block only if it could also end the outer one. */
function canOpen([, , mark = '', info = '']: RegExpExecArray, opening: string): boolean {
  return mark[0] === opening[0] && mark.length >= opening.length && isOpeningInfo(info.trim());
}

/** Whether a text can be the info string of an opening fence: one word, perhaps with settings or a file name. */
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
 * Whether a fence without a language opens an inner block, judged by the line before and the line after.
 * @returns undefined while the line after is incomplete
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

/** @returns undefined while the line grows and may become either */
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

/** Whether a block without a language begins like a Markdown document. */
function looksLikeText(text: string, bodyStart: number): boolean {
  return /^\s*(?:#{1,2} \S[^\n]*\n\s*\n|---\n[\w-]+:[^\n]*\n)/.test(text.slice(bodyStart, bodyStart + 400));
}

/** @returns the end of the line that contains an offset, after its line break */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}
