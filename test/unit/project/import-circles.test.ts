import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

// Files that import each other, directly or over others, can only be read, tested and moved together. Imports of types
// count: they tie a reader as much.

const root = path.resolve(import.meta.dirname, '..', '..', '..');

/** Every relative import of a file: static, dynamic, of types, and re-exports. */
function importsOf(source: string): string[] {
  const found = source.matchAll(/\b(?:from|import)\s*\(?\s*(['"])(\.{1,2}\/[^'"\n]+)\1/g);
  return [...found].map(([, , module = '']) => module);
}

/** Paths of sources, each with the sources that it imports. */
function graphOf(folder: string): Map<string, string[]> {
  const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:ts|mjs)$/.test(name) && !name.endsWith('.d.ts'))
    .map((name) => path.join(folder, name));
  const known = new Set(files);
  return new Map(
    files.map((file) => {
      const modules = importsOf(readFileSync(path.join(root, file), 'utf8'));
      const targets = modules.map((module) => path.join(path.dirname(file), module));
      return [file, targets.flatMap((target) => [target, `${target}.ts`].filter((name) => known.has(name)))];
    }),
  );
}

/** Strongly connected components of more than one file, by Tarjan; and files that import themselves. */
function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    let low = order.size;
    order.set(file, low);
    open.push(file);
    const own = low;
    for (const next of graph.get(file) ?? []) {
      if (!order.has(next)) {
        low = Math.min(low, visit(next));
      } else if (open.includes(next)) {
        low = Math.min(low, order.get(next) ?? low);
      }
    }
    if (low === own) {
      const members = open.splice(open.indexOf(file));
      if (members.length > 1 || graph.get(file)?.includes(file)) {
        circles.push(members.sort());
      }
    }
    return low;
  };
  for (const file of graph.keys()) {
    if (!order.has(file)) {
      visit(file);
    }
  }
  return circles;
}

describe('imports of', () => {
  for (const folder of ['extension', 'media', 'language-server', 'bench']) {
    it(`${folder}/ form no circle`, () => {
      const graph = graphOf(folder);
      expect([...graph.values()].flat().length).toBeGreaterThan(5);
      const circles = circlesOf(graph).map((files) =>
        files
          .map((file) => path.basename(file))
          .sort()
          .join(' '),
      );
      expect(circles).toEqual([]);
    });
  }
});

describe('the search for circles', () => {
  it('finds one over several files, and one of a file with itself', () => {
    const graph = new Map([
      ['a', ['b', 'd']],
      ['b', ['c']],
      ['c', ['a']],
      ['d', ['e']],
      ['e', ['e']],
    ]);
    expect(circlesOf(graph)).toEqual([['e'], ['a', 'b', 'c']]);
  });

  it('takes no diamond for a circle', () => {
    const graph = new Map([
      ['a', ['b', 'c']],
      ['b', ['d']],
      ['c', ['d']],
      ['d', []],
    ]);
    expect(circlesOf(graph)).toEqual([]);
  });

  it('reads every kind of import', () => {
    const source = [
      "import a from './a';",
      "import type { B } from '../b';",
      "import {\n  type C,\n} from './c';",
      "export * from './d';",
      "const e = await import('./e');",
      "import './f';",
      "import g from 'g';",
    ].join('\n');
    expect(importsOf(source)).toEqual(['./a', '../b', './c', './d', './e', './f']);
  });
});
