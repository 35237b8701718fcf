/**
 * Reads an answer into its parts: Markdown, fenced code, SEARCH/REPLACE blocks, thoughts. It is read by lines, so that only the
 * last part of a growing answer changes. The page and its host read it alike, and identify code blocks by their index.
 */

import { type Thought, thoughtAt, unopenedThought } from '../thoughts';
import { bareDiffEnd, mayBeginDiff } from './bare-diff';
import { type Change, type FileChange, joined, readChanges } from './change-blocks';
import { fenceEnd, fenceLine, lineEnd, replaceLine, searchLine } from './fences';
import { languageOf, type NamedFiles, namedFiles } from './named-files';
import { readDiff } from './unified-diff';

export type { Change, FileChange } from './change-blocks';

export interface MarkdownPart {
  readonly kind: 'markdown';
  readonly start: number;
  readonly text: string;
  /** The indentation of the block before it in columns: text that continues the same list item has it as well. */
  readonly indent: number;
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
  /** The file that the answer names for the block. */
  readonly path?: string;
  /** All files that may be meant, the most likely first. */
  readonly paths: readonly string[];
  readonly text: string;
  /** The changes of all files, if the block consists of changes; otherwise empty. */
  readonly changes: readonly Change[];
  /** The same changes by file. */
  readonly files: readonly FileChange[];
  /** The indentation of its fence in columns. */
  readonly indent: number;
  /** It ends within a change, or has markers that do not form one. */
  readonly unfinished: boolean;
  readonly closed: boolean;
}

export type AnswerPart = MarkdownPart | ThoughtPart | CodePart;

/**
 * @param from the offset where a part starts: for a growing answer, that of its last part
 * @param ended whether the answer is complete: then the end of an unclosed last part is guessed
 */
export function readAnswer(text: string, from = 0, before: readonly AnswerPart[] = [], ended = false): AnswerPart[] {
  const parts: AnswerPart[] = [];
  let markdownStart = from;
  let at = from;
  const flush = (end: number) => {
    if (end > markdownStart) {
      const lead = parts.at(-1) ?? before.at(-1);
      const indent = lead?.kind === 'code' ? lead.indent : 0;
      parts.push({ kind: 'markdown', start: markdownStart, text: text.slice(markdownStart, end), indent });
    }
  };
  const think = (thought: Thought) => {
    flush(at);
    parts.push(thoughtPart(text, at, thought));
    at = thought.end;
    markdownStart = at;
  };
  const firstChar = text.search(/\S/);
  const unopened = from === 0 ? unopenedThought(text) : undefined;
  if (unopened !== undefined) {
    think(unopened);
  }
  while (at < text.length) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).replace(/\r?\n$/, '');
    const fence = fenceLine.exec(line);
    const thought = thoughtAt(text, at, at <= firstChar, ended);
    const diff = mayBeginDiff(line) ? bareDiffEnd(text, at, ended) : undefined;
    if (fence !== null || searchLine.test(line)) {
      flush(at);
      const lead = parts.at(-1) ?? before.at(-1);
      const part = fence === null ? readBareChange(text, at, lead) : readFence(text, at, end, fence, lead, ended);
      parts.push(part.part);
      at = part.end;
      markdownStart = at;
    } else if (diff !== undefined) {
      flush(at);
      const lines = text.slice(at, diff.end).trimEnd().split(/\r?\n/);
      const named = namedFiles('', textOf(parts.at(-1) ?? before.at(-1)), '', false);
      parts.push(codePart(at, 'diff', lines, diff.closed, named));
      at = diff.end;
      markdownStart = at;
    } else if (thought !== undefined) {
      think(thought);
    } else {
      at = end;
    }
  }
  flush(text.length);
  return parts;
}

export function codeParts(text: string): CodePart[] {
  return readAnswer(text, 0, [], true).filter((part) => part.kind === 'code');
}

/** @returns a complete answer without its thoughts, for copying */
export function withoutThoughts(text: string): string {
  const parts = readAnswer(text, 0, [], true);
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
  ended: boolean,
): Read<CodePart> {
  const first = text.slice(bodyStart, lineEnd(text, bodyStart)).replace(/\r?\n$/, '');
  const isEmpty = /^\s*(?:`{3,}|~{3,})\s*$/.test(first);
  const named = namedFiles(info, textOf(lead), first, isEmpty);
  const language = languageOf(info);
  const { bodyEnd, end, closed } = fenceEnd(text, bodyStart, { indent, mark, language, path: named.path }, ended);
  const body = text.slice(bodyStart, bodyEnd);
  const lines = body === '' ? [] : body.replace(/\r?\n$/, '').split(/\r?\n/);
  const plain = lines.map((line) => (line.startsWith(indent) ? line.slice(indent.length) : line.trimStart()));
  return { part: { ...codePart(start, language, plain, closed, named), indent: columnsOf(indent) }, end };
}

/** Reads a SEARCH/REPLACE block without a fence. */
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
  return { part: codePart(start, '', lines, closed, namedFiles('', textOf(lead), '', false)), end: at };
}

function thoughtPart(text: string, start: number, { bodyStart, bodyEnd, closed }: Thought): ThoughtPart {
  return { kind: 'thought', start, text: text.slice(bodyStart, bodyEnd), closed };
}

function codePart(
  start: number,
  language: string,
  lines: readonly string[],
  closed: boolean,
  named: NamedFiles,
): CodePart {
  const read = readChanges(lines, named.paths);
  const diff = read.files.length > 0 ? undefined : readDiff(lines, language, named.paths);
  // the last hunk of an incomplete diff may lack added lines
  const files = diff === undefined ? read.files : closed ? diff : withoutLast(diff);
  const own = read.files.length > 0 ? read.files[0]?.paths : files.find(({ paths }) => paths.length > 0)?.paths;
  const paths = own === undefined || own === named.paths ? named.paths : own;
  const path = paths === named.paths ? named.path : paths[0];
  // a growing block has no line end at its end, so that its text only gets longer
  const text = closed ? joined(lines) : lines.join('\n');
  return {
    kind: 'code',
    start,
    language,
    ...(path === undefined ? {} : { path }),
    paths,
    text,
    changes: files.flatMap(({ changes }) => changes),
    files,
    indent: 0,
    unfinished: read.unfinished || (diff !== undefined && !closed),
    closed,
  };
}

function withoutLast(files: readonly FileChange[]): FileChange[] {
  const last = files.at(-1);
  const left = last?.changes.slice(0, -1) ?? [];
  return [...files.slice(0, -1), ...(last === undefined || left.length === 0 ? [] : [{ ...last, changes: left }])];
}

/** A tab extends to the next multiple of four. */
function columnsOf(indent: string): number {
  return [...indent].reduce((columns, char) => (char === '\t' ? columns + 4 - (columns % 4) : columns + 1), 0);
}

function textOf(part: AnswerPart | undefined): string {
  return part?.kind === 'markdown' ? part.text : '';
}
