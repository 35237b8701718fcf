/** Where a text that was cut short may end, so that a person can take it as it is. */

const wordEnd = /[\p{L}\p{N}_$)\]}"'`;]$/u;
const wordGoesOn = /[\p{L}\p{N}_$]$/u;
const lastWord = /(?<![\p{L}\p{N}_$])[\p{L}\p{N}_$]+$/u;
const operators = /(?<![-+*/%=<>!&|^?:,.({[\s])[-+*/%=<>!&|^?:,.({[\s]+$/;

/** @returns '' where nothing whole is there */
export function sensibleEnd(text: string, lines: 'one' | 'block'): string {
  const newline = text.lastIndexOf('\n');
  const whole = newline === -1 ? '' : text.slice(0, newline);
  if (lines === 'block' && whole.trim() !== '') {
    return whole;
  }
  // the last word may have more letters; what hangs on it (an operator, an opening bracket, a quote) goes with it
  const words = withoutOpenText(wordGoesOn.test(text) ? text.replace(lastWord, '') : text);
  const end = withoutDangling(words);
  return wordEnd.test(end) ? end : '';
}

/** Without operators and opening brackets at the end that wait for something. */
export function withoutDangling(text: string): string {
  return text.trimEnd().replace(operators, '').trimEnd();
}

/** Without a text whose closing quote is missing on the last line. */
function withoutOpenText(text: string): string {
  const line = text.lastIndexOf('\n') + 1;
  let quote: string | undefined;
  let start = text.length;
  for (let index = line; index < text.length; index++) {
    const char = text[index] ?? '';
    if (char === '\\') {
      index++;
    } else if (quote === undefined && `"'\``.includes(char)) {
      quote = char;
      start = index;
    } else if (char === quote) {
      quote = undefined;
      start = text.length;
    }
  }
  return text.slice(0, start);
}
