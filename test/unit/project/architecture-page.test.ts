/** The walks of docs/architecture.md name files that exist, in lists that are no longer than a newcomer can follow. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const page = readFileSync(path.join(root, 'docs', 'architecture.md'), 'utf8');

function walk(title: string): string[] {
  const section = page.split(/^#{2,3} /m).find((part) => part.startsWith(`${title}\n`)) ?? '';
  return [...section.matchAll(/^\d+\. `([^`]+)`: \S/gm)].map(([, file = '']) => file);
}

test.each([
  ['A saved file to its re-encoded chunks', 14],
  ['A key press to ghost text', 18],
  ['A question to its citation', 20],
])('%s: at most %i files, each there and named once', (title, max) => {
  const files = walk(title);
  expect(files.length).toBeGreaterThan(max / 2);
  expect(files.length).toBeLessThanOrEqual(max);
  expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  expect(new Set(files).size).toBe(files.length);
});

test('CONTRIBUTING.md answers where things are by files and folders that exist', () => {
  const text = readFileSync(path.join(root, 'CONTRIBUTING.md'), 'utf8');
  const answers = text.split('\n').filter((line) => /^\| [A-Z].*\? \| /.test(line));
  expect(answers.length).toBeGreaterThan(20);
  const named = answers.flatMap((line) =>
    [...line.matchAll(/`((?:language-server|extension|media|native|bench|scripts|test)\/[\w./-]*)`/g)].map(
      ([, name = '']) => name,
    ),
  );
  expect(named.length).toBeGreaterThan(answers.length);
  expect(named.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
});
