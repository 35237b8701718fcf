/**
 * Finds the thoughts of a reasoning model in its text. If the chat template has already written the opening mark, the text
 * has only the closing one. A mark that is only mentioned, in code or in a sentence, is text like any other.
 */

/** The marks that a reasoning model writes around its thought. */
interface Marks {
  readonly open: string;
  readonly close: string;
}

const marks: readonly Marks[] = [
  ...['think', 'thinking', 'thought', 'thoughts', 'reasoning', 'reflection', 'seed:think'].map((name) => ({
    open: `<${name}>`,
    close: `</${name}>`,
  })),
  { open: '[THINK]', close: '[/THINK]' },
  { open: '◁think▷', close: '◁/think▷' },
];

export interface Thought {
  readonly bodyStart: number;
  readonly bodyEnd: number;
  /** The offset after the closing mark; the length of the text when there is none yet. */
  readonly end: number;
  readonly closed: boolean;
}

/** @returns the opening mark at the end of a prompt, which the template has written, so that the model will not */
export function openedThought(prompt: string): string | undefined {
  const end = prompt.trimEnd();
  return marks.find(({ open }) => end.endsWith(open))?.open;
}

/**
 * Finds the thought that begins at an offset, which is the start of a line.
 * @param first whether only whitespace is before it, as a model thinks before it answers
 * @param ended whether the text is complete: then a mark within an answer without its closing one is only mentioned
 */
export function thoughtAt(text: string, offset: number, first: boolean, ended: boolean): Thought | undefined {
  const start = offset + (/^\s*/.exec(text.slice(offset, offset + maxBlanks))?.[0].length ?? 0);
  const found = marks.find(({ open }) => text.startsWith(open, start));
  if (found === undefined) {
    return undefined;
  }
  const bodyStart = start + found.open.length;
  // a sentence continues after a space: "<think> is the mark that ..."
  if (/^[ \t]+\S/.test(text.slice(bodyStart, bodyStart + maxBlanks)) && !(first && isClosed(text, bodyStart, found))) {
    return undefined;
  }
  const bodyEnd = closingAt(text, bodyStart, found.close);
  if (bodyEnd === -1) {
    return first || !ended ? { bodyStart, bodyEnd: text.length, end: text.length, closed: false } : undefined;
  }
  const end = bodyEnd + found.close.length;
  const inLine = !text.slice(bodyStart, bodyEnd).includes('\n') && /^[^\n]*\S/.test(text.slice(end, end + maxBlanks));
  return inLine && !first ? undefined : { bodyStart, bodyEnd, end, closed: true };
}

const maxBlanks = 256;

function isClosed(text: string, bodyStart: number, { close }: Marks): boolean {
  return closingAt(text, bodyStart, close) !== -1;
}

/** The text that was last searched in vain, as each line of an answer may open a thought: no such mark is after `from`. */
let unclosed = { text: '', close: '', from: 0 };

/** @returns the offset of the first closing mark that is not after a backtick; -1 when there is none */
function closingAt(text: string, from: number, close: string): number {
  if (unclosed.close === close && from >= unclosed.from && unclosed.text === text) {
    return -1;
  }
  for (let at = text.indexOf(close, from); at !== -1; at = text.indexOf(close, at + close.length)) {
    if (text[at - 1] !== '`') {
      return at;
    }
  }
  unclosed = { text, close, from };
  return -1;
}

/**
 * Finds the thought of a text without an opening mark: everything up to the first closing mark that begins or ends a line,
 * outside of fenced code.
 */
export function unopenedThought(text: string): Thought | undefined {
  for (const { open, close } of marks) {
    const firstOpen = text.indexOf(open);
    const limit = firstOpen === -1 ? text.length : firstOpen;
    let at = text.indexOf(close);
    // the text before a mark is not read again for each, as there may be thousands
    const fences = at === -1 ? [] : [...text.matchAll(/^[ \t]*(?:`{3,}|~{3,})/gm)].map(({ index }) => index);
    let [passed, lineStart, lineEnd] = [0, 0, -1];
    for (; at !== -1 && at < limit; at = text.indexOf(close, at + close.length)) {
      const end = at + close.length;
      if (at > lineEnd) {
        lineStart = text.lastIndexOf('\n', at - 1) + 1;
        const newline = text.indexOf('\n', end);
        lineEnd = newline === -1 ? text.length : newline;
      }
      while ((fences[passed] ?? at) < at) {
        passed++;
      }
      const endsLine = text.slice(end, lineEnd).trim() === '';
      const beginsLine = text.slice(lineStart, at).trim() === '';
      if ((beginsLine || endsLine) && text[at - 1] !== '`' && passed % 2 === 0) {
        return { bodyStart: 0, bodyEnd: at, end, closed: true };
      }
    }
  }
  return undefined;
}

/** @returns a complete answer without the thought at its beginning */
export function withoutFirstThought(text: string): string {
  const thought = thoughtAt(text, 0, true, true) ?? unopenedThought(text);
  return thought === undefined ? text : text.slice(thought.end).replace(/^\s+/, '');
}

/** Streams what follows the first thought of a growing text, for clients that show no thoughts. */
export class AnswerAfterThought {
  #whole = '';
  #given = 0;
  #start: number | undefined;

  /** @returns the text that can be shown now, often '' */
  push(delta: string): string {
    this.#whole += delta;
    this.#start ??= this.#answerStart();
    if (this.#start === undefined) {
      return '';
    }
    const from = Math.max(this.#start, this.#given);
    this.#given = this.#whole.length;
    return this.#whole.slice(from);
  }

  /** @returns undefined while it is unknown whether there is a thought, or until it has ended */
  #answerStart(): number | undefined {
    const begun = this.#whole.trimStart();
    if (marks.some(({ open }) => open.startsWith(begun))) {
      return undefined;
    }
    const thought = thoughtAt(this.#whole, 0, true, false);
    if (thought === undefined) {
      return 0;
    }
    const rest = this.#whole.slice(thought.end);
    return thought.closed && rest.trim() !== '' ? this.#whole.length - rest.trimStart().length : undefined;
  }
}
