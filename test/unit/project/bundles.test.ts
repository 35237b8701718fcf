/** What the bundles are made of: the laboratory (bench/) is in none that ships. */

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { expect, test } from 'vitest';
import { common, shipped } from '../../../scripts/bundle.mjs';

const root = path.resolve(import.meta.dirname, '..', '..', '..');

test.each(shipped.filter(({ outfile }) => outfile !== undefined))(
  '$outfile has no module of bench/',
  async (options) => {
    const { metafile } = await build({ ...common, ...options, write: false });
    const inputs = Object.keys(metafile?.inputs ?? {});
    expect(inputs).toContain(Object.values(options.entryPoints ?? {})[0]);
    expect(inputs.filter((input) => input.startsWith('bench/'))).toEqual([]);
  },
);

test('the package names each bundle and addon that ships, and not the laboratory', () => {
  const named = readFileSync(path.join(root, '.vscodeignore'), 'utf8').split('\n');
  for (const { outfile } of shipped) {
    if (outfile !== undefined) {
      expect(named).toContain(`!${outfile}`);
    }
  }
  expect(named.filter((line) => line.endsWith('.node'))).toEqual(['!dist/native/addon.node']);
  expect(named[1]).toBe('**');
  expect(named.filter((line) => line.startsWith('!dist/') && /bench|^!dist\/\*|\*\.node/.test(line))).toEqual([]);
});
