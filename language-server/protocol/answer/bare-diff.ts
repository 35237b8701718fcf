/** Finds a diff in the text of an answer, without a fence around it. */

const start = /^(?:diff --git \S|--- \S|\*\*\* Begin Patch)/;
const head =
  /^(?:diff --git |index [\da-f]+\.\.|(?:old|new|deleted) (?:file )?mode |(?:dis)?similarity index |rename (?:from|to) |copy (?:from|to) |Binary files |--- |\+\+\+ |@@)/;
const numbers = /^@@+ +-\d+(?:,(\d+))? +\+\d+(?:,(\d+))?/;

/** Whether a line may begin a diff; {@link bareDiffEnd} decides it. */
export function mayBeginDiff(line: string): boolean {
  return start.test(line);
}

/**
 * @param at the offset of a line that may begin a diff
 * @param ended whether the text is complete
 * @returns the end of the diff, and whether it is complete; undefined when it is none
 */
export function bareDiffEnd(text: string, at: number, ended: boolean): { end: number; closed: boolean } | undefined {
  if (text.startsWith('*** ', at)) {
    const last = /^\*\*\* End Patch.*(?:\n|$)/m.exec(text.slice(at));
    return last === null || (last.index + last[0].length + at === text.length && !ended)
      ? { end: text.length, closed: false }
      : { end: at + last.index + last[0].length, closed: true };
  }
  if (!begins(linesFrom(text, at, 3))) {
    return undefined;
  }
  let [old, fresh, counts] = [0, 0, false];
  for (let here = at; here < text.length; ) {
    const lineEnd = text.indexOf('\n', here);
    if (lineEnd === -1 && !ended) {
      break;
    }
    const end = lineEnd === -1 ? text.length : lineEnd + 1;
    const line = text.slice(here, end).replace(/\r?\n$/, '');
    const numbered = numbers.exec(line);
    if (numbered !== null) {
      [old, fresh, counts] = [Number(numbered[1] ?? 1), Number(numbered[2] ?? 1), true];
    } else if (line === '') {
      const next = text.indexOf('\n', end);
      if (next === -1 && !ended) {
        break;
      }
      const after = text.slice(end, next === -1 ? text.length : next);
      const isIn = counts && old > 0 && fresh > 0 && /^[ +\-@\\]/.test(after);
      if (!isIn && !head.test(after) && !/^ /.test(after)) {
        return { end: here, closed: true };
      }
      [old, fresh] = [old - 1, fresh - 1];
    } else if (/^[ +\-\\]/.test(line) || head.test(line)) {
      old -= /^[ -]/.test(line) ? 1 : 0;
      fresh -= /^[ +]/.test(line) ? 1 : 0;
    } else {
      return { end: here, closed: true };
    }
    here = end;
  }
  return { end: text.length, closed: ended };
}

/** Whether lines have a header that makes them a diff: a horizontal rule or a list of Markdown begins in the same way. */
function begins(lines: readonly string[]): boolean {
  const [first = '', second = '', third = ''] = lines;
  if (first.startsWith('diff --git ')) {
    return lines.length > 1 && head.test(second);
  }
  return /^\+\+\+ \S/.test(second) && third.startsWith('@@');
}

function linesFrom(text: string, at: number, count: number): string[] {
  const lines: string[] = [];
  for (let here = at; lines.length < count && here <= text.length; ) {
    const end = text.indexOf('\n', here);
    lines.push(text.slice(here, end === -1 ? text.length : end));
    here = end === -1 ? text.length + 1 : end + 1;
  }
  return lines;
}
