/** Brackets of code, read without a grammar: those in texts and line comments do not count. */

const openOf: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

export interface Brackets {
  /** Not closed, innermost first. */
  readonly open: readonly string[];
  /** Closing ones whose opening is not in the text, in order, with their index. */
  readonly unmatched: readonly { readonly char: string; readonly index: number }[];
}

export function brackets(text: string): Brackets {
  const open: string[] = [];
  const unmatched: { char: string; index: number }[] = [];
  for (let index = 0; index < text.length; index++) {
    const char = text[index] ?? '';
    if (char === '"' || char === '`' || char === "'") {
      index = endOfText(text, index);
    } else if (char === '/' && text[index + 1] === '/' && text[index - 1] !== ':') {
      index = endOfLine(text, index);
    } else if (char === '(' || char === '[' || char === '{') {
      open.push(char);
    } else if (openOf[char] !== undefined) {
      if (open.at(-1) === openOf[char]) {
        open.pop();
      } else if (open.length === 0) {
        unmatched.push({ char, index });
      }
    }
  }
  return { open: open.reverse(), unmatched };
}

export function closes(closer: string, opener: string | undefined): boolean {
  return opener !== undefined && openOf[closer] === opener;
}

/**
 * What is open before a place and not closed behind it, innermost first.
 * @param isWhole `after` reaches to the document's end; what follows a part of it closes what is further out
 */
export function unclosedAround(before: string, after: string, isWhole: boolean): string[] {
  const unclosed: string[] = [];
  let closed = 0;
  const left = [...brackets(before).open];
  for (const { char } of brackets(after).unmatched) {
    const match = left.findIndex((opener) => closes(char, opener));
    if (match === -1) {
      break;
    }
    unclosed.push(...left.splice(0, match));
    left.shift();
    closed++;
  }
  const further = isWhole ? left : left.slice(0, closed === 0 ? 1 : 0);
  return [...unclosed, ...further];
}

/** Index of the quote that ends a text on its line; a quote that ends none there is a character like others. */
function endOfText(text: string, start: number): number {
  const quote = text[start] ?? '';
  // a lifetime of Rust or an apostrophe is no quote
  if (quote === "'" && /[\w<&]/.test(text[start - 1] ?? '')) {
    return start;
  }
  for (let index = start + 1; index < text.length; index++) {
    const char = text[index];
    if (char === '\\') {
      index++;
    } else if (char === '\n' && quote !== '`') {
      return start;
    } else if (char === quote && !(quote === "'" && /\w/.test(text[index + 1] ?? ''))) {
      return index;
    }
  }
  return start;
}

function endOfLine(text: string, start: number): number {
  const newline = text.indexOf('\n', start);
  return newline === -1 ? text.length : newline;
}
