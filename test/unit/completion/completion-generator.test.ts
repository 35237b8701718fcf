/** What one key press costs: the prompt that was prefilled is the one that is decoded from, and each generation is counted. */

import { describe, expect, test } from 'vitest';
import { CompletionCounter } from '../../../bench/speed/completion-counter';
import { CompletionGenerator, type CompletionInput } from '../../../language-server/completion/completion-generator';
import { FakeEngine } from '../../server/tools/fake-engine';

const text = `${'const value = compute(1);\n'.repeat(20)}const sum = `;

function inputWith(more: Partial<CompletionInput> = {}): CompletionInput {
  return {
    uri: 'file:///a.ts',
    path: 'a.ts',
    text,
    offset: text.length,
    languageId: 'typescript',
    settings: { maxTokens: 64, tailTokens: 2048 },
    timeBudgetMs: 0,
    signal: new AbortController().signal,
    chunksFor: () => [],
    ...more,
  };
}

describe('a prompt that was prefilled while the debounce waited', () => {
  test('is decoded from without retrieving chunks again, and without prefilling it again', async () => {
    const engine = new FakeEngine({ repository: {}, answers: [{ when: '', text: 'a + b;\n' }] });
    const generator = new CompletionGenerator();
    let retrievals = 0;
    const input = inputWith({
      chunksFor: () => {
        retrievals++;
        return [];
      },
    });
    const prepared = await generator.prefill(engine, input);
    const outcome = await generator.generate(engine, input, prepared);
    expect(outcome.text).toBe('a + b;');
    expect(retrievals).toBe(1);
    expect(engine.prompts.at(-1)).toBe(prepared.prompt.tokens);
    expect(outcome.generation?.stats.fedTokens).toBeLessThan(4);
  });

  test('is not needed: generate prepares its own', async () => {
    const engine = new FakeEngine({ answers: [{ when: '', text: 'a + b;\n' }] });
    const { text: suggestion, prompt } = await new CompletionGenerator().generate(engine, inputWith());
    expect(suggestion).toBe('a + b;');
    expect(prompt?.tokens).toBe(engine.prompts.at(-1)?.length);
  });
});

describe('the counter of the benchmark', () => {
  test('counts the tokens of completions, and not those of other sequences', async () => {
    const counter = new CompletionCounter();
    const engine = counter.observe(new FakeEngine({ answers: [{ when: '', text: 'a + b;\n' }] }));
    const { generation } = await new CompletionGenerator().generate(engine, inputWith());
    const sampling = { temperature: 0, topK: 1, topP: 1, seed: 0 };
    await engine.generate({ sequence: 'chat', tokens: engine.tokenize('Why?'), maxTokens: 4, sampling });
    const { fedTokens, decodedTokens } = generation?.stats ?? {};
    expect(fedTokens).toBeGreaterThan(text.length);
    expect(counter.counts).toMatchObject({ fedTokens, decodedTokens, cancelToIdleMs: [], tokensAfterCancel: 0 });
  });

  test('notes how long a cancelled generation took to end, and the tokens that it decoded', async () => {
    const counter = new CompletionCounter();
    const engine = counter.observe(new FakeEngine({ tokenMs: 5, answers: [{ when: '', text: 'a'.repeat(60) }] }));
    const controller = new AbortController();
    const sampling = { temperature: 0, topK: 1, topP: 1, seed: 0 };
    const running = engine.generate({
      sequence: 'inline',
      tokens: engine.tokenize('x = '),
      maxTokens: 60,
      sampling,
      signal: controller.signal,
      onText: (_delta, whole) => {
        if (whole.length === 3) {
          controller.abort();
        }
        return 'continue';
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(counter.counts.cancelToIdleMs).toHaveLength(1);
    expect(counter.counts.decodedTokens).toBeGreaterThanOrEqual(3);
    expect(counter.counts.decodedTokens).toBeLessThan(60);
  });

  test('counts each kind of answer', () => {
    const counter = new CompletionCounter();
    for (const answer of ['cache', 'skipped', 'skipped', 'model', 'late', 'cancelled'] as const) {
      counter.answered(answer);
    }
    expect(counter.counts).toMatchObject({ requests: 6, fromCache: 1, skipped: 2, late: 1, cancelled: 1 });
  });
});
