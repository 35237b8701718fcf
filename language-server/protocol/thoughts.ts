/**
 * The thoughts of a reasoning model in its text. Where the chat template has written the opening mark already, the model's
 * text has the closing one alone. A mark that is only mentioned, in code or in a sentence, is text like any other.
 */

/** What a reasoning model writes around its thought: the opening and the closing mark. */
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
  /** Offset of what follows the closing mark; the text's length where it has none yet. */
  readonly end: number;
  readonly closed: boolean;
}

/** The opening mark that a prompt ends with: the template has written it, so the model will not. */
export function openedThought(prompt: string): string | undefined {
  const end = prompt.trimEnd();
  return marks.find(({ open }) => end.endsWith(open))?.open;
}

/**
 * The thought that begins at an offset, the start of a line.
 * @param first nothing but blanks stands before it: a model thinks before it answers
 * @param ended nothing follows: a mark in the middle of an answer without its closing one was only mentioned
 */
export function thoughtAt(text: string, offset: number, first: boolean, ended: boolean): Thought | undefined {
  const start = offset + (/^\s*/.exec(text.slice(offset, offset + maxBlanks))?.[0].length ?? 0);
  const found = marks.find(({ open }) => text.startsWith(open, start));
  if (found === undefined) {
    return undefined;
  }
  const bodyStart = start + found.open.length;
  // a sentence goes on after a blank: "<think> is the mark that ..."
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

/** Of the text that was searched last: no such mark is behind this offset. Each line of an answer may open a thought. */
let unclosed = { text: '', close: '', from: 0 };

/** The first closing mark that is not quoted by backticks; -1: none. */
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
 * The thought of a text that has no opening mark: everything up to the first closing mark that begins or ends a line,
 * outside of fenced code.
 */
export function unopenedThought(text: string): Thought | undefined {
  for (const { open, close } of marks) {
    const firstOpen = text.indexOf(open);
    const limit = firstOpen === -1 ? text.length : firstOpen;
    let at = text.indexOf(close);
    // what is before a mark is not read again for each: a text may have thousands
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

/** Without the thought that a whole answer begins with. */
export function withoutFirstThought(text: string): string {
  const thought = thoughtAt(text, 0, true, true) ?? unopenedThought(text);
  return thought === undefined ? text : text.slice(thought.end).replace(/^\s+/, '');
}

/** For readers who show no thoughts: of a text that grows, what follows its first thought. */
export class AnswerAfterThought {
  #whole = '';
  #given = 0;
  #start: number | undefined;

  /** @returns what can be given out now, often '' */
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

  /** @returns undefined: it is not known yet whether there is a thought, or it has not ended */
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
