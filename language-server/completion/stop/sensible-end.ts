/** Where a text that a limit has cut short may end, so that the user can accept it as it is. */

import type { CodeAround } from '../syntax/brackets';

const wordEnd = /[\p{L}\p{N}_$)\]}"'`;]$/u;
const wordGoesOn = /[\p{L}\p{N}_$]$/u;
const lastWord = /(?<![\p{L}\p{N}_$])[\p{L}\p{N}_$]+$/u;
const operators = /(?<![-+*/%=<>!&|^?:,.({[\s])[-+*/%=<>!&|^?:,.({[\s]+$/;

/**
 * @param code around the cursor, which tells quotes that open a string from those that close one
 * @returns '' where no whole part is left
 */
export function sensibleEnd(text: string, lines: 'one' | 'block', code: CodeAround): string {
  const newline = text.lastIndexOf('\n');
  const whole = newline === -1 ? '' : text.slice(0, newline);
  if (lines === 'block' && whole.trim() !== '') {
    return whole;
  }
  // the last word may be incomplete; an operator, an opening bracket or a quote before it is dropped with it
  const words = withoutOpenString(wordGoesOn.test(text) ? text.replace(lastWord, '') : text, code);
  const end = withoutDangling(words);
  return wordEnd.test(end) ? end : '';
}

/** Drops the operators and opening brackets at the end, which need something after them. */
export function withoutDangling(text: string): string {
  return text.trimEnd().replace(operators, '').trimEnd();
}

/** Drops a string that is opened and not closed. */
function withoutOpenString(text: string, code: CodeAround): string {
  return text.slice(0, code.scan(text).openString ?? text.length);
}
