import { expect, test } from 'vitest';
import { prependAnchor } from '../../../language-server/engine/native/token-parts';
import { FakeEngine } from '../../server/tools/fake-engine';

const anchor = Int32Array.from([7, 8, 9]);

function engineWith(bos: number) {
  const { model } = new FakeEngine();
  return { model: { ...model, tokens: { ...model.tokens, bos } }, chunks: { anchor } as never };
}

test('the anchor comes first, and BOS only once', () => {
  expect([...prependAnchor(engineWith(7), Int32Array.from([7, 1, 2]))]).toEqual([7, 8, 9, 1, 2]);
  expect([...prependAnchor(engineWith(7), Int32Array.from([1, 2]))]).toEqual([7, 8, 9, 1, 2]);
});

test('a prompt keeps its BOS where the anchor has none', () => {
  expect([...prependAnchor(engineWith(1), Int32Array.from([1, 2]))]).toEqual([7, 8, 9, 1, 2]);
});

test('a BOS that also begins each turn stays', () => {
  expect([...prependAnchor(engineWith(7), Int32Array.from([7, 1, 7, 2]))]).toEqual([7, 8, 9, 7, 1, 7, 2]);
});

test('without a repository the prompt stays the same', () => {
  const { model } = new FakeEngine();
  const tokens = Int32Array.from([1, 2]);
  expect(prependAnchor({ model, chunks: undefined }, tokens)).toBe(tokens);
});
