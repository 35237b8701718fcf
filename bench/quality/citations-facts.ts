/** Constants planted into a copy of a repository: each defined in one file, and used in two others. */

import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readNamedText } from '../../language-server/index/discover/read-file';
import { shuffled } from '../common/statistics';

export interface Fact {
  readonly name: string;
  /** Five digits. */
  readonly value: string;
  /** Paths below the folder. */
  readonly definedIn: string;
  readonly usedIn: readonly string[];
}

const first = ['RETRY', 'BUFFER', 'SESSION', 'WINDOW', 'SHARD', 'LEASE', 'QUEUE', 'BATCH'];
const second = ['LIMIT', 'OFFSET', 'QUOTA', 'WEIGHT', 'PERIOD', 'SALT', 'DEPTH', 'MARGIN'];
const third = ['ALPHA', 'BRAVO', 'DELTA', 'GAMMA', 'KAPPA', 'OMEGA', 'SIGMA', 'THETA'];

interface Form {
  readonly define: (name: string, value: string) => string;
  readonly use: (name: string) => string;
}

const forms: Readonly<Record<string, Form>> = {
  '.py': { define: (name, value) => `${name} = ${value}`, use: (name) => `limits.append(${name})` },
  '.ts': { define: (name, value) => `export const ${name} = ${value};`, use: (name) => `limits.push(${name});` },
  '.go': { define: (name, value) => `const ${name} = ${value}`, use: (name) => `limits = append(limits, ${name})` },
  '.rs': { define: (name, value) => `pub const ${name}: u32 = ${value};`, use: (name) => `limits.push(${name});` },
};

/** Each file gets about as many as the others. @param files of which three or more take part */
export function chooseFacts(files: readonly string[], count: number, random: () => number): Fact[] {
  const able = files.filter((file) => formOf(file) !== undefined);
  const names = shuffled(
    first.flatMap((a) => second.flatMap((b) => third.map((c) => `${a}_${b}_${c}`))),
    random,
  );
  let order: string[] = [];
  const next = (): string => {
    order = order.length === 0 ? shuffled(able, random) : order;
    return order.pop() ?? '';
  };
  return names.slice(0, able.length < 3 ? 0 : count).map((name) => {
    const definedIn = next();
    const others = shuffled(
      able.filter((file) => file !== definedIn),
      random,
    );
    const value = String(10_000 + Math.floor(random() * 90_000));
    return { name, value, definedIn, usedIn: others.slice(0, 2) };
  });
}

function formOf(file: string): Form | undefined {
  return forms[path.extname(file)];
}

/** Lines to put into each file. */
export function linesOf(facts: readonly Fact[]): Map<string, string[]> {
  const lines = new Map<string, string[]>();
  const add = (file: string, line: string | undefined) => {
    if (line !== undefined) {
      lines.set(file, [...(lines.get(file) ?? []), line]);
    }
  };
  for (const { name, value, definedIn, usedIn } of facts) {
    add(definedIn, formOf(definedIn)?.define(name, value));
    for (const file of usedIn) {
      add(file, formOf(file)?.use(name));
    }
  }
  return lines;
}

/** The lines spread over the text, each as a paragraph of its own between two. */
export function plantLines(text: string, lines: readonly string[]): string {
  const paragraphs = text.split('\n\n');
  const places = lines.map((_, i) => Math.max(1, Math.round(((i + 0.5) / lines.length) * paragraphs.length)));
  const parts = paragraphs.flatMap((paragraph, i) => [...lines.filter((_, k) => places[k] === i), paragraph]);
  const last = lines.filter((_, k) => (places[k] ?? 0) >= paragraphs.length);
  return [...parts, ...last].join('\n\n');
}

export async function plantFacts(root: string, facts: readonly Fact[]): Promise<void> {
  for (const [file, lines] of linesOf(facts)) {
    const target = path.join(root, file);
    await writeFile(target, `${plantLines(await readNamedText(target), lines)}\n`);
  }
}
