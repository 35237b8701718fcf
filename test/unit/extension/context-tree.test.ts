import { describe, expect, test } from 'vitest';
import {
  type ContextNode,
  contextTree,
  describeNode,
  iconOfNode,
  menuOfNode,
} from '../../../extension/context/tree-model';
import type { ContextFile } from '../../../language-server/protocol/server';

const file = (path: string, more: Partial<ContextFile> = {}): ContextFile => ({
  path,
  tokens: 1200,
  chunks: 2,
  chunksEncoded: 2,
  state: 'encoded',
  ...more,
});
const out = (path: string, reason: string, more: Partial<ContextFile> = {}) =>
  file(path, { tokens: 0, chunks: 0, chunksEncoded: 0, state: 'left out', reason, ...more });

const root = contextTree({
  uri: 'file:///r',
  name: 'r',
  files: [
    file('src/deep/b.ts'),
    file('a.ts', { state: 'waiting', chunksEncoded: 0 }),
    file('src/a.ts', { state: 'encoding', chunksEncoded: 1 }),
    out('dist/', 'ignored'),
    out('src/.env', 'secret'),
    out('src/large.ts', 'over the budget', { tokens: 90_000 }),
    out('docs/', 'excluded by you', { choice: 'exclude' }),
    out('vendor/', 'ignored'),
    file('vendor/kept.ts', { choice: 'include' }),
  ],
  tokens: 4800,
  tokensEncoded: 2400,
  budgetTokens: 8192,
});

function at(path: string): ContextNode {
  let node: ContextNode | undefined = root;
  for (const name of path.split('/')) {
    node = node?.children.find((child) => child.name === name);
  }
  if (node === undefined) {
    throw new Error(`There is no ${path}.`);
  }
  return node;
}

test('the context tree sorts folders before files, each by name', () => {
  expect(root.children.map(({ name }) => name)).toEqual(['dist', 'docs', 'src', 'vendor', 'a.ts']);
  expect(at('src').children.map(({ path }) => path)).toEqual(['src/deep', 'src/.env', 'src/a.ts', 'src/large.ts']);
  expect(root).toMatchObject({ files: 4, tokens: 4800, encodedFiles: 2 });
});

describe('a node of the context tree', () => {
  test.each([
    ['src/deep/b.ts', '1,200 tokens', 'pass', 'in'],
    ['a.ts', '1,200 tokens, not encoded yet', 'circle-outline', 'in'],
    ['src/a.ts', '1,200 tokens, encoding', 'loading~spin', 'in'],
    ['src', '2 files, 2,400 tokens, 1 encoded', undefined, 'in'],
    ['dist', 'ignored', 'circle-slash', 'out'],
    ['src/.env', 'secret', 'circle-slash', 'out'],
    ['src/large.ts', 'over the budget, 90K tokens', 'circle-slash', 'out'],
    ['docs', 'excluded by you', 'circle-slash', 'out.chosen'],
    ['vendor', '1 file, 1,200 tokens', undefined, 'in'],
    ['vendor/kept.ts', '1,200 tokens, included by you', 'pass', 'in.chosen'],
  ])('%s is described as %s', (path, words, icon, menu) => {
    expect([describeNode(at(path)), iconOfNode(at(path)), menuOfNode(at(path))]).toEqual([words, icon, menu]);
  });
});
