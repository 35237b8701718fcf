/** docs/security.md speaks of guards and tests that are there. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const page = readFileSync(path.join(root, 'docs', 'security.md'), 'utf8');
const named = [...page.matchAll(/`([\w./-]+\.(?:ts|h|cc|mjs))`|`(test\/unit\/[\w-]+)`/g)].map(
  ([, file, folder]) => file ?? folder ?? '',
);

const tests = readdirSync(path.join(root, 'test'), { recursive: true, encoding: 'utf8' });

test.each([...new Set(named)])('%s is there', (name) => {
  const places = [name, `language-server/${name}`].filter((place) => existsSync(path.join(root, place)));
  const ofTests = tests.filter((test) => path.basename(test) === name);
  expect([...places, ...ofTests]).not.toEqual([]);
});

test('each row names a guard and a test, or says that there is none', () => {
  const rows = page.split('\n').filter((line) => /^\| (?!Way in)/.test(line));
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    const [, way, guard, shown] = row.split(' | ').length === 3 ? ['', ...row.split(' | ')] : [];
    expect(
      [way, guard, shown].every((cell) => (cell ?? '').length > 3),
      row,
    ).toBe(true);
    expect(shown, row).toMatch(/`[\w/.-]+`|none/);
  }
});
