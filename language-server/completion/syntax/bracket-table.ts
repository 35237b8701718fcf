/** The one table of brackets, the quotes that editors close with them, and the patterns that are made of both. */

const closerOf: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };
const openerOf: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };
const quotes = `"'\``;

export function isOpener(char: string): boolean {
  return closerOf[char] !== undefined;
}

export function isCloser(char: string): boolean {
  return openerOf[char] !== undefined;
}

export function isQuote(char: string): boolean {
  return char !== '' && quotes.includes(char);
}

export function closes(closer: string, opener: string | undefined): boolean {
  return opener !== undefined && openerOf[closer] === opener;
}

/** What an editor puts after the cursor by itself when the character is typed; '' for nothing. */
export function autoClosed(char: string): string {
  return closerOf[char] ?? (isQuote(char) ? char : '');
}

/** The line ends in an opening bracket. */
export const opensBracket = /[{([]\s*$/;
/** The line ends in what begins a block: an opening bracket, a colon, an arrow. */
export const opensBlock = /(?:[{([:]|=>)\s*$/;
/** Nothing but brackets that close, and what may end a line after them. */
export const closersOnly = /^[\s)\]}>;,]*$/;
/** The same with quotes: what an editor may have put after the cursor. */
export const closersAndQuotesOnly = /^[\s)\]}>;,'"`]*$/;
