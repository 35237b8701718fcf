/**
 * What an answer is made of: Markdown, fenced code, search-and-replace blocks, thoughts. Read by lines, so that an answer
 * that still grows changes in its last part alone. The panel and its host read alike: code blocks are named by their
 * place among the answer's.
 */

/** Lines to be found once in a file, and what takes their place. */
export interface Change {
  readonly search: string;
  readonly replace: string;
}

export interface MarkdownPart {
  readonly kind: 'markdown';
  readonly start: number;
  readonly text: string;
}

export interface ThoughtPart {
  readonly kind: 'thought';
  readonly start: number;
  readonly text: string;
  readonly closed: boolean;
}

export interface CodePart {
  readonly kind: 'code';
  readonly start: number;
  readonly language: string;
  /** The file that it is said to be of. */
  readonly path?: string;
  readonly text: string;
  /** Not empty: the block is made of changes. */
  readonly changes: readonly Change[];
  readonly closed: boolean;
}

export type AnswerPart = MarkdownPart | ThoughtPart | CodePart;

const fenceLine = /^([ \t]*)(`{3,}|~{3,})[ \t]*([^`\n]*)$/;
const searchLine = /^<{5,9} ?SEARCH\s*$/;
const middleLine = /^={5,9}\s*$/;
const replaceLine = /^>{5,9} ?REPLACE\s*$/;
const thoughtStart = /^\s*<(think|thinking|thought)>/;
const thoughtEnd = /<\/(?:think|thinking|thought)>/;

/** @param from an offset where a part starts: for an answer that grew, that of its last part */
export function readAnswer(text: string, from = 0, before: readonly AnswerPart[] = []): AnswerPart[] {
  const parts: AnswerPart[] = [];
  let markdownStart = from;
  let at = from;
  const flush = (end: number) => {
    if (end > markdownStart) {
      parts.push({ kind: 'markdown', start: markdownStart, text: text.slice(markdownStart, end) });
    }
  };
  while (at < text.length) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).replace(/\r?\n$/, '');
    const fence = fenceLine.exec(line);
    const thought = thoughtStart.exec(line);
    if (fence !== null || searchLine.test(line)) {
      flush(at);
      const lead = parts.at(-1) ?? before.at(-1);
      const part = fence === null ? readBareChange(text, at, lead) : readFence(text, at, end, fence, lead);
      parts.push(part.part);
      at = part.end;
      markdownStart = at;
    } else if (thought !== null) {
      flush(at);
      const part = readThought(text, at, at + thought[0].length);
      parts.push(part.part);
      at = part.end;
      markdownStart = at;
    } else {
      at = end;
    }
  }
  flush(text.length);
  return parts;
}

export function codeParts(text: string): CodePart[] {
  return readAnswer(text).filter((part) => part.kind === 'code');
}

/** The whole answer without its thoughts: what a person copies. */
export function withoutThoughts(text: string): string {
  const parts = readAnswer(text);
  const kept = parts.flatMap((part, index) =>
    part.kind === 'thought' ? [] : [text.slice(part.start, parts[index + 1]?.start ?? text.length)],
  );
  return kept.join('').trim();
}

interface Read<T> {
  readonly part: T;
  readonly end: number;
}

function readFence(
  text: string,
  start: number,
  bodyStart: number,
  [, indent = '', mark = '', info = '']: readonly string[],
  lead: AnswerPart | undefined,
): Read<CodePart> {
  const lines: string[] = [];
  let at = bodyStart;
  let closed = false;
  while (at < text.length && !closed) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).replace(/\r?\n$/, '');
    const inner = line.trim();
    if (inner.length >= mark.length && inner.replaceAll(mark[0] ?? '`', '') === '') {
      closed = true;
    } else {
      lines.push(line.startsWith(indent) ? line.slice(indent.length) : line.trimStart());
    }
    at = end;
  }
  const [word = ''] = info.trim().split(/[\s,{]+/);
  const colon = word.indexOf(':');
  const language = (colon === -1 ? word : word.slice(0, colon)).toLowerCase();
  const named =
    /(?:file(?:name)?|path|title)=["']?([^"'\s]+)/.exec(info)?.[1] ?? (colon > 0 ? word.slice(colon + 1) : undefined);
  return { part: codePart(start, language, lines, closed, named ?? pathBefore(lead)), end: at };
}

/** Markers without a fence around them. */
function readBareChange(text: string, start: number, lead: AnswerPart | undefined): Read<CodePart> {
  const lines: string[] = [];
  let at = start;
  let closed = false;
  while (at < text.length && !closed) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).replace(/\r?\n$/, '');
    lines.push(line);
    closed = replaceLine.test(line);
    at = end;
  }
  return { part: codePart(start, '', lines, closed, pathBefore(lead)), end: at };
}

function readThought(text: string, start: number, bodyStart: number): Read<ThoughtPart> {
  const match = thoughtEnd.exec(text.slice(bodyStart));
  if (match === null) {
    return { part: { kind: 'thought', start, text: text.slice(bodyStart), closed: false }, end: text.length };
  }
  const bodyEnd = bodyStart + match.index;
  return {
    part: { kind: 'thought', start, text: text.slice(bodyStart, bodyEnd), closed: true },
    end: bodyEnd + match[0].length,
  };
}

function codePart(
  start: number,
  language: string,
  lines: readonly string[],
  closed: boolean,
  named: string | undefined,
): CodePart {
  const { changes, path } = readChanges(lines);
  const file = changes.length > 0 ? (path ?? named) : named;
  // while it grows its end is no line's end: then it only ever gets longer
  const text = closed ? joined(lines) : lines.join('\n');
  return { kind: 'code', start, language, ...(file === undefined ? {} : { path: file }), text, changes, closed };
}

/** All complete search-and-replace blocks, and the path that stands above the first. */
function readChanges(lines: readonly string[]): { readonly changes: Change[]; readonly path?: string } {
  const changes: Change[] = [];
  let search: string[] | undefined;
  let replace: string[] | undefined;
  let path: string | undefined;
  for (const [index, line] of lines.entries()) {
    if (searchLine.test(line)) {
      search = [];
      replace = undefined;
      path ??= pathOf(lines[index - 1] ?? '');
    } else if (search !== undefined && replace === undefined && middleLine.test(line)) {
      replace = [];
    } else if (search !== undefined && replace !== undefined && replaceLine.test(line)) {
      changes.push({ search: joined(search), replace: joined(replace) });
      search = undefined;
      replace = undefined;
    } else {
      (replace ?? search)?.push(line);
    }
  }
  return { changes, ...(path === undefined ? {} : { path }) };
}

function joined(lines: readonly string[]): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}

/** The last line before a block, where that is a path and nothing else. */
function pathBefore(part: AnswerPart | undefined): string | undefined {
  return part?.kind === 'markdown' ? pathOf(part.text.trimEnd().split('\n').at(-1) ?? '') : undefined;
}

function pathOf(line: string): string | undefined {
  const bare = line
    .trim()
    .replace(/^(?:#+|[-*]|file:|path:)\s+/i, '')
    .replace(/^[*_`]+|[*_`:]+$/g, '');
  const isFile = /^[\w@+-]*\.?[\w.@+-]*\.[A-Za-z]\w{0,9}$|^(?:Dockerfile|Makefile|Jenkinsfile|Gemfile|Rakefile)$/.test(
    bare,
  );
  return isFile || /^\.{0,2}(?:[\w.@+-]+)?(?:[\\/][\w.@+-]+)+$/.test(bare) ? bare : undefined;
}

function lineEnd(text: string, at: number): number {
  const end = text.indexOf('\n', at);
  return end === -1 ? text.length : end + 1;
}
