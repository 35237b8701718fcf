import { describe, expect, test } from 'vitest';
import type { ChatMessage, PromptText } from '../../../language-server/chat/chat-message';
import { attendedTexts, isInPrompt, placeInPrompt, textsInPrompt } from '../../../language-server/chat/prompt-texts';
import { chatPrompt } from '../../../language-server/chat/template/template';
import { prependAnchor } from '../../../language-server/engine/native/token-parts';
import { FakeEngine, textOf } from '../../server/tools/fake-engine';

const engine = new FakeEngine();
const head = '// a.ts';

/** One token is one byte. */
function promptText(text: string, begin: number, firstLine = 0): PromptText {
  return { uri: 'file:///a.ts', firstLine, head, text, toEnd: false, begin, tokens: head.length + 1 + text.length };
}

/** Shares that tell the blocks apart. */
const shares = (blocks: number) => Float32Array.from({ length: blocks }, (_, block) => block);

describe('the attention blocks of a text in the prompt', () => {
  const lines = Array.from({ length: 40 }, (_, line) => `${'x'.repeat((line * 7) % 30)}\n`);
  const body = lines.join('');

  test.each([0, 1, 7, 8, 9, 15, 16, 100, 1001])(
    'begin in the lines of their first tokens, for a text at token %d',
    (begin) => {
      const [looked] = attendedTexts(engine, shares(200), [promptText(body, begin, 100)]);
      const first = looked?.shares[0] ?? -1;
      expect(Math.abs(first * 16 - begin)).toBeLessThanOrEqual(8);
      const { blockLines, firstLine, lastLine } = looked?.place ?? { blockLines: new Uint32Array() };
      expect(blockLines).toHaveLength(looked?.shares.length ?? 0);
      expect([firstLine, lastLine]).toEqual([100, 139]);
      for (const [block, line] of blockLines.entries()) {
        // the head is in front of the first line
        const passed = body.slice(0, Math.max(0, (first + block) * 16 - begin - head.length - 1));
        expect(line).toBe(100 + passed.split('\n').length - 1);
      }
    },
  );

  test('belong to the text with more tokens where they straddle two', () => {
    for (let length = 1; length < 60; length++) {
      const texts = [promptText('a'.repeat(length), 37), promptText(body, 37 + head.length + 1 + length)];
      const [left, right] = attendedTexts(engine, shares(100), texts);
      expect(right?.shares[0]).toBe((left?.shares.at(-1) ?? 1) + 1);
    }
  });

  test('are empty where no attention was counted, or the text has few tokens', () => {
    const [none, few] = attendedTexts(engine, new Float32Array(), [
      promptText(body, 3),
      { ...promptText('', 3), tokens: 2 },
    ]);
    expect([none?.shares.length, few?.shares.length]).toEqual([0, 0]);
  });
});

test('lines count as in the prompt if a text has all of them, or reaches the end of its document', () => {
  const texts = [promptText('a\nb\nc\n', 0, 10), { ...promptText('a\n', 0), uri: 'file:///whole.ts', toEnd: true }];
  const lines = (firstLine: number, lastLine: number, uri = 'file:///a.ts') => ({ uri, firstLine, lastLine });
  expect(isInPrompt(texts, lines(10, 12))).toBe(true);
  expect(isInPrompt(texts, lines(9, 12))).toBe(false);
  expect(isInPrompt(texts, lines(10, 13))).toBe(false);
  expect(isInPrompt(texts, lines(10, 12, 'file:///b.ts'))).toBe(false);
  // a chunk is of the file on disk, which may have had more lines
  expect(isInPrompt(texts, lines(0, 99, 'file:///whole.ts'))).toBe(true);
});

describe('the texts of messages are found in the prompt', () => {
  const content = (name: string) => engine.tokenize(`${name}: text of it\n`);
  const message = (role: ChatMessage['role'], ...names: string[]): ChatMessage => {
    const sources = names.map((name) => ({
      tokens: content(name),
      cited: name.startsWith('plain')
        ? undefined
        : { uri: name, firstLine: 0, head: name, text: 'text of it\n', toEnd: true },
    }));
    return {
      role,
      content: Int32Array.from(sources.flatMap(({ tokens }) => [...tokens])),
      texts: placeInPrompt(sources),
    };
  };
  const messages = [
    message('system', 'plain'),
    message('user', 'first', 'plain', 'second'),
    message('assistant', 'plain'),
    message('user', 'plain too', 'third'),
  ];
  const withoutSystem =
    "{% for m in messages %}{% if m.role != 'system' %}[{{ m.content | trim }}]{% endif %}{% endfor %}";

  test.each([
    ['without anything prepended', {}],
    ['after the anchor', { repository: {} }],
    ['in a template that leaves out the system message', { chatTemplate: withoutSystem }],
    ['without a template', { chatTemplate: '' }],
  ])('%s', async (_name, options) => {
    const model = new FakeEngine(options);
    const prompt = await chatPrompt(model, messages, new AbortController().signal);
    const fed = prependAnchor(model, prompt.tokens);
    const found = textsInPrompt(messages, prompt, fed);
    expect(found.map(({ uri }) => uri)).toEqual(['first', 'second', 'third']);
    for (const { uri, begin, tokens } of found) {
      expect(textOf(fed.subarray(begin, begin + tokens))).toBe(`${uri}: text of it\n`);
    }
  });
});
