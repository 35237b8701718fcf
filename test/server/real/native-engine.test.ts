/** The engine over the real addon and tiny models: sequences, urgency, cancellation, life. */

import { afterEach, describe, expect, test } from 'vitest';
import { buildPrompt } from '../../../language-server/completion/prompt/prompt';
import type { Engine, EngineOptions, GenerationRequest } from '../../../language-server/engine/engine';
import { createNativeEngine } from '../../../language-server/engine/native/native-engine';
import { tinyTextTokens } from '../../native/tools/tiny-model';
import { useWorkshop } from '../../native/tools/workshop';

const workshop = useWorkshop();
const engines: Engine[] = [];

afterEach(async () => {
  for (const engine of engines.splice(0)) {
    await engine.dispose();
  }
});

async function open(options: Partial<EngineOptions> = {}): Promise<Engine> {
  const modelPath = options.modelPath ?? workshop.file({ architecture: 'llama', seed: 5 });
  const engine = await createNativeEngine({ threads: 1, contextTokens: 1024, ...options, modelPath });
  engines.push(engine);
  return engine;
}

const greedy = { temperature: 0, topK: 1, topP: 1, seed: 0 };

function request(engine: Engine, text: string, more: Partial<GenerationRequest> = {}): GenerationRequest {
  return { sequence: 'inline', tokens: engine.tokenize(text), maxTokens: 20, sampling: greedy, ...more };
}

describe('a generation', () => {
  test('streams the text that it returns', async () => {
    const engine = await open();
    let streamed = '';
    let last = '';
    const result = await engine.generate(
      request(engine, 'const a = 1;', {
        maxTokens: 60,
        onText: (delta, whole) => {
          streamed += delta;
          last = whole;
          return 'continue';
        },
      }),
    );
    expect(result.text).toBe(streamed);
    expect(last).toBe(streamed);
    expect(result.tokens).toBeGreaterThan(0);
    expect(result.stats.decodedTokens).toBe(result.tokens);
  });

  test('gives the same again from the reused KV cache', async () => {
    const engine = await open();
    const first = await engine.generate(request(engine, 'const a = 1;'));
    const second = await engine.generate(request(engine, 'const a = 1;'));
    expect(second.text).toBe(first.text);
    expect(first.stats.reusedTokens).toBe(0);
    expect(second.stats.reusedTokens).toBeGreaterThan(5);
  });

  test('counts attention to its own tokens when asked', async () => {
    const engine = await open();
    const text = 'const value = compute(first, second);\n'.repeat(8);
    const asked = request(engine, text, { maxTokens: 30, countAttention: true });
    const { attention, tokens } = await engine.generate(asked);
    expect(attention?.chunks).toEqual([]);
    expect(attention?.own).toHaveLength(Math.ceil((asked.tokens.length + tokens - 1) / 16));
    expect([...(attention?.own ?? [])].reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 4);
    expect((await engine.generate(request(engine, text))).attention).toBeUndefined();
  });

  test('ends at the token after which it is told to stop', async () => {
    const engine = await open();
    let calls = 0;
    const result = await engine.generate(
      request(engine, 'const', {
        maxTokens: 200,
        onText: () => {
          calls++;
          return calls === 3 ? 'stop' : 'continue';
        },
      }),
    );
    expect(calls).toBe(3);
    expect(result.reason).toBe('stopped');
  });

  test('rejects with the error that a callback throws, and the engine keeps working', async () => {
    const engine = await open();
    const failing = request(engine, 'const', {
      onText: () => {
        throw new Error('mine');
      },
    });
    await expect(engine.generate(failing)).rejects.toMatchObject({ code: 'INTERNAL', message: 'mine' });
    expect((await engine.generate(request(engine, 'const'))).tokens).toBeGreaterThan(0);
  });

  test('never evicts the other sequence', async () => {
    const engine = await open();
    await engine.generate(request(engine, 'inline text, inline text'));
    const before = engine.usage('inline').tokens;
    await engine.generate(request(engine, 'chat', { sequence: 'chat' }));
    expect(engine.usage('inline').tokens).toBe(before);
    expect(engine.usage('chat').tokens).toBeGreaterThan(0);
  });

  test('reports both sizes when it does not fit', async () => {
    const engine = await open({ contextTokens: 64 });
    const tokens = new Int32Array(64);
    await expect(engine.generate({ ...request(engine, ''), tokens })).rejects.toMatchObject({
      code: 'CONTEXT_FULL',
      message: 'The prompt has 64 tokens and the context holds 64.',
    });
  });

  test('is limited to what fits after the prompt', async () => {
    const engine = await open({ contextTokens: 64 });
    const tokens = engine.tokenize('x'.repeat(60));
    const result = await engine.generate({ ...request(engine, ''), tokens, maxTokens: 1000 });
    expect(tokens.length + result.tokens).toBeLessThanOrEqual(65);
  });

  test('parses special tokens only in templates', async () => {
    const engine = await open();
    expect(engine.tokenizeTemplate('<|im_end|>')).toHaveLength(1);
    expect(engine.tokenize('<|im_end|>').length).toBeGreaterThan(1);
  });
});

describe('a cancelled generation', () => {
  test('never runs when it was cancelled before it began', async () => {
    const engine = await open();
    const cancelled = engine.generate(request(engine, 'x', { signal: AbortSignal.abort() }));
    await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(engine.usage('inline').tokens).toBe(0);
  });

  test('leaves a KV cache that continues like a fresh one, in prefill and in decode', async () => {
    const engine = await open();
    const text = 'return the = const '.repeat(30);
    const expected = (await (await open()).generate(request(engine, text))).text;
    for (const where of ['onProgress', 'onText'] as const) {
      const controller = new AbortController();
      const cancelled = engine.generate(
        request(engine, text, {
          signal: controller.signal,
          maxTokens: 300,
          [where]: () => {
            controller.abort();
            return 'continue';
          },
        }),
      );
      await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
      expect((await engine.generate(request(engine, text))).text).toBe(expected);
    }
  });
});

describe('a completion', () => {
  test('overtakes a running answer, which then continues unchanged', async () => {
    // slow enough to be met in the middle
    const slow = { architecture: 'llama', seed: 1, layers: 8, heads: 4, kvHeads: 2 } as const;
    const engine = await open({ modelPath: workshop.file(slow) });
    const question = { sequence: 'chat', maxTokens: 200 } as const;
    // random weights turn the rounding of another batch size into another text: both runs below reuse the prompt
    await engine.generate(request(engine, 'question', { ...question, maxTokens: 1 }));
    const undisturbed = await engine.generate(request(engine, 'question', question));
    expect(undisturbed.tokens).toBeGreaterThan(100);
    const order: string[] = [];
    let begun: () => void = () => undefined;
    const decoding = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const answer = engine
      .generate(
        request(engine, 'question', {
          ...question,
          onText: (_delta, whole) => {
            if (whole.length > 10) {
              begun();
            }
            return 'continue';
          },
        }),
      )
      .finally(() => order.push('answer'));
    await decoding;
    await engine.generate(request(engine, 'completion')).finally(() => order.push('completion'));
    const disturbed = await answer;
    expect(order).toEqual(['completion', 'answer']);
    expect(disturbed.text).toBe(undisturbed.text);
    expect(disturbed.tokens).toBe(undisturbed.tokens);
  });
});

describe('a prompt', () => {
  const input = { text: 'f() {}', offset: 5, pathLine: 'a.ts', tailTokens: 100 };

  test('has the fill-in-the-middle tokens that the file of the model names', async () => {
    const engine = await open({ modelPath: workshop.file({ architecture: 'qwen2', seed: 5, fim: true }) });
    const { bos, addBos, fimPrefix, fimSuffix, fimMiddle, fimSeparator } = engine.model.tokens;
    const prompt = buildPrompt(engine, input);
    const special = [...prompt.tokens].filter((token) => token >= tinyTextTokens);
    expect(special).toEqual([...(addBos ? [bos] : []), fimSeparator, fimPrefix, fimSuffix, fimMiddle]);
    expect(special).not.toContain(undefined);
    expect((await engine.generate({ ...request(engine, ''), tokens: prompt.tokens })).stats.fedTokens).toBeGreaterThan(
      8,
    );
  });
});

describe('an engine', () => {
  test('reports its model and its usage', async () => {
    const engine = await open();
    expect(engine).toMatchObject({ contextTokens: 1024, attention: { mode: 'auto', budget: 256, calibrated: false } });
    expect(engine.device).toMatchObject({ kind: 'cpu', threads: 1 });
    expect(engine.usage('inline')).toMatchObject({ tokens: 0, fullBytes: 0 });
  });

  test('ends a generation when it is disposed in the middle of it', async () => {
    const engine = await open();
    const running = engine.generate(
      request(engine, 'x', {
        maxTokens: 900,
        onText: () => {
          void engine.dispose();
          return 'continue';
        },
      }),
    );
    const late = request(engine, 'x');
    await expect(running).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(engine.generate(late)).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('is not loaded when loading is cancelled', async () => {
    await expect(open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
    const controller = new AbortController();
    const loading = open({ signal: controller.signal, onProgress: () => controller.abort() });
    await expect(loading).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  test.each([
    ['no GGUF', import.meta.filename, 'NOT_GGUF'],
    ['a folder', import.meta.dirname, 'FILE_UNREADABLE'],
    ['nothing', '/no/such.gguf', 'FILE_NOT_FOUND'],
  ])('fails with a typed error that names the file: %s', async (_name, modelPath, code) => {
    await expect(open({ modelPath })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(modelPath) as string,
    });
  });

  test('needs a calibration when FASA is asked for', async () => {
    await expect(open({ attention: 'fasa-c' })).rejects.toMatchObject({ code: 'BAD_CALIBRATION' });
  });

  test('reports how much memory a context would need that does not fit', async () => {
    await expect(open({ contextTokens: 2 ** 30 })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
  });
});
