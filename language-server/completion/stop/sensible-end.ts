/** Where a text that was cut short may end, so that a person can take it as it is. */

import type { CodeAround } from '../syntax/brackets';

const wordEnd = /[\p{L}\p{N}_$)\]}"'`;]$/u;
const wordGoesOn = /[\p{L}\p{N}_$]$/u;
const lastWord = /(?<![\p{L}\p{N}_$])[\p{L}\p{N}_$]+$/u;
const operators = /(?<![-+*/%=<>!&|^?:,.({[\s])[-+*/%=<>!&|^?:,.({[\s]+$/;

/**
 * @param code what the text comes to stand in, which tells quotes that open a string from those that close one
 * @returns '' where nothing whole is there
 */
export function sensibleEnd(text: string, lines: 'one' | 'block', code: CodeAround): string {
  const newline = text.lastIndexOf('\n');
  const whole = newline === -1 ? '' : text.slice(0, newline);
  if (lines === 'block' && whole.trim() !== '') {
    return whole;
  }
  // the last word may have more letters; what hangs on it (an operator, an opening bracket, a quote) goes with it
  const words = withoutOpenString(wordGoesOn.test(text) ? text.replace(lastWord, '') : text, code);
  const end = withoutDangling(words);
  return wordEnd.test(end) ? end : '';
}

/** Without operators and opening brackets at the end that wait for something. */
export function withoutDangling(text: string): string {
  return text.trimEnd().replace(operators, '').trimEnd();
}

/** Without a string that is opened and not closed. */
function withoutOpenString(text: string, code: CodeAround): string {
  return text.slice(0, code.scan(text).openString ?? text.length);
}
