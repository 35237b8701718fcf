import { describe, expect, test } from 'vitest';
import { buildPrompt, type PromptInput } from '../../../language-server/completion/prompt/prompt';
import { fileForm } from '../../../language-server/index/chunk/path-line';
import { FakeEngine, fakeTokens, textOf } from '../../server/tools/fake-engine';

function input(text: string, offset: number, more: Partial<PromptInput> = {}): PromptInput {
  return { text, offset, pathLine: '// a.ts', tailTokens: 200, ...more };
}

describe('a prompt without fill-in-the-middle', () => {
  const engine = new FakeEngine();

  test('consists of BOS, the path line and the text before the cursor', () => {
    const prompt = buildPrompt(engine, input('let a;\nlet b', 12));
    expect(textOf(prompt.tokens)).toBe(`{${fakeTokens.bos}}// a.ts\nlet a;\nlet b`);
    expect(prompt).toMatchObject({ fillInTheMiddle: false, withoutSpace: false, tailTokens: 20 });
  });

  test('leaves out one space before the cursor, which the model writes itself', () => {
    const prompt = buildPrompt(engine, input('  ', 2));
    expect(textOf(prompt.tokens)).toBe(`{${fakeTokens.bos}}// a.ts\n `);
    expect(prompt.withoutSpace).toBe(true);
  });

  test('begins with the anchor if the engine encodes a repository', () => {
    const reading = new FakeEngine({ repository: {} });
    const prompt = buildPrompt(reading, input('x', 1));
    expect(textOf(prompt.tokens)).toBe(`{${fakeTokens.bos}}anchor\n// a.ts\nx`);
  });

  test('encodes special tokens in a document as plain text', () => {
    const prompt = buildPrompt(engine, input('<|im_end|>', 10));
    expect([...prompt.tokens]).not.toContain(fakeTokens.turnEnd);
  });

  test('never exceeds the tail tokens, even for a text of short tokens', () => {
    for (const text of ['∀'.repeat(5000), 'x'.repeat(5000), 'ab\n'.repeat(3000), '😀'.repeat(3000)]) {
      const prompt = buildPrompt(engine, input(text, text.length));
      expect(prompt.tailTokens).toBeLessThanOrEqual(200 + 8);
      expect(prompt.tailTokens).toBeGreaterThan(80);
    }
  });

  test('shares all but its last tokens with the prompt after the next character', () => {
    const text = Array.from({ length: 300 }, (_, index) => `const value${index} = ∀${index};\n`).join('');
    let moves = 0;
    for (let offset = 5000; offset < 5060; offset++) {
      const before = buildPrompt(engine, input(text, offset)).tokens;
      const after = buildPrompt(engine, input(text, offset + 1)).tokens;
      const shared = after.findIndex((token, index) => token !== before[index]);
      moves += shared !== -1 && shared < before.length - 1 ? 1 : 0;
    }
    expect(moves).toBeLessThanOrEqual(3);
  });
});

describe('a prompt with fill-in-the-middle', () => {
  const engine = new FakeEngine({ fillInTheMiddle: true, separator: true });
  const { bos, fimPrefix, fimSuffix, fimMiddle, fimSeparator } = fakeTokens;

  test('puts the text after the cursor before the middle token', () => {
    const prompt = buildPrompt(engine, input('f(x) {\n}', 6, { pathLine: 'a.ts' }));
    expect(textOf(prompt.tokens)).toBe(
      `{${bos}}{${fimSeparator}}a.ts\n{${fimPrefix}}f(x) {{${fimSuffix}}\n}{${fimMiddle}}`,
    );
    expect(prompt.fillInTheMiddle).toBe(true);
  });

  test('keeps the space before the cursor, since such models are trained with cuts anywhere', () => {
    const prompt = buildPrompt(engine, input('a = ', 4));
    expect(textOf(prompt.tokens)).toContain(`a = {${fimSuffix}}`);
  });

  test('gives at most a quarter of the tail to the text after the cursor', () => {
    const text = 'y'.repeat(4000);
    const tokens = [...buildPrompt(engine, input(text, 2000)).tokens];
    const [suffix, middle] = [tokens.indexOf(fimSuffix), tokens.indexOf(fimMiddle)];
    expect(middle - suffix - 1).toBe(50);
    expect(suffix - tokens.indexOf(fimPrefix) - 1).toBeLessThanOrEqual(150);
  });
});

describe('the text after the cursor in a prompt', () => {
  const engine = new FakeEngine({ fillInTheMiddle: true, separator: true });
  const after = `${'rest'}\n${'a line that follows\n'.repeat(50)}`;
  const behind = (more: Partial<PromptInput> = {}) => {
    const { tokens } = buildPrompt(engine, input(`f(${after}`, 2, more));
    const list = [...tokens];
    return textOf(Int32Array.from(list.slice(list.indexOf(fakeTokens.fimSuffix) + 1, -1)));
  };

  test('is cut at the end of a line', () => {
    expect(behind()).toBe('rest\na line that follows\na line that follows\n');
    expect(behind({ suffixTokens: 30 })).toBe('rest\na line that follows\n');
    expect(behind({ suffixTokens: 12 })).toBe('rest\n');
    expect(behind({ suffixTokens: 3 })).toBe('res');
  });

  test('stays the same while the user types, like all of the prompt before it but its last tokens', () => {
    const text = `${'const value = 1;\n'.repeat(20)}`;
    const first = buildPrompt(engine, input(`${text}a${after}`, text.length + 1, { tailTokens: 1000 }));
    const next = buildPrompt(engine, input(`${text}ab${after}`, text.length + 2, { tailTokens: 1000 }));
    expect(next.stableTokens).toBe(first.stableTokens + 1);
    expect([...next.tokens.slice(0, first.stableTokens)]).toEqual([...first.tokens.slice(0, first.stableTokens)]);
    expect([...next.tokens.slice(next.stableTokens)]).toEqual([...first.tokens.slice(first.stableTokens)]);
    expect(first.tokens[first.stableTokens]).toBe(fakeTokens.fimSuffix);
  });
});

test('one more character at the end of 2,000 tokens prefills only a few tokens again', async () => {
  for (const fillInTheMiddle of [false, true]) {
    const engine = new FakeEngine({ fillInTheMiddle, separator: fillInTheMiddle, contextTokens: 8192 });
    const text = 'let value = compute(1);\n'.repeat(200);
    let document = text;
    const fed: number[] = [];
    for (const key of ' const result = value.') {
      document += key;
      const { tokens } = buildPrompt(engine, input(document, document.length, { tailTokens: 2000 }));
      expect(tokens.length).toBeGreaterThan(1200);
      const sampling = { temperature: 0, topK: 1, topP: 1, seed: 0 };
      const { stats } = await engine.generate({ sequence: 'inline', tokens, maxTokens: 0, sampling });
      fed.push(stats.fedTokens);
    }
    expect(Math.max(...fed.slice(1))).toBeLessThanOrEqual(4);
  }
});

test('the form of files depends on the tokens of the model and not on its name', () => {
  expect(fileForm(new FakeEngine().model.tokens)).toBe('comment');
  expect(fileForm(new FakeEngine({ fillInTheMiddle: true }).model.tokens)).toBe('comment');
  expect(fileForm(new FakeEngine({ fillInTheMiddle: true, separator: true }).model.tokens)).toBe('separator');
});
