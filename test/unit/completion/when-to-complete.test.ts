/** When something is offered: silence, the typing pace, what became of earlier offers, the speed of the model. */

import { describe, expect, test } from 'vitest';
import { ShownSuggestions } from '../../../language-server/completion/shown-suggestions';
import { debounceMs, TypingPace } from '../../../language-server/completion/trigger/debounce';
import { LatencyWatch } from '../../../language-server/completion/trigger/latency-watch';
import { skipReason } from '../../../language-server/completion/trigger/skip-reason';
import { MeasuredSpeed } from '../../../language-server/completion/trigger/speed';
import type { NativeGenerationStats } from '../../../language-server/engine/native/addon';

describe('automatic suggestions', () => {
  test.each([
    ['na|me = 1', /inside a word/],
    ['größe|n', /inside a word/],
    ['f(a)|', /closing bracket/],
    ['f(a);|  ', /closing bracket/],
    ['}|', /closing bracket/],
  ])('are skipped at %s', (line, reason) => {
    expect(skippedAt(line)).toMatch(reason);
  });

  test.each(['name|', 'name| = 1', 'f(|)', 'f(a) |', '} |', '|', 'f(a)| + 1', 'a.|'])(
    'are not skipped at %s',
    (line) => {
      expect(skippedAt(line)).toBeUndefined();
    },
  );

  test('are skipped in a document larger than the setting allows', () => {
    const place = { linePrefix: 'a', lineSuffix: '' };
    expect(skipReason({ ...place, documentLength: 2049 }, 2)).toMatch(/larger than 2 kB/);
    expect(skipReason({ ...place, documentLength: 2048 }, 2)).toBeUndefined();
  });

  function skippedAt(line: string): string | undefined {
    const [linePrefix = '', lineSuffix = ''] = line.split('|');
    return skipReason({ linePrefix, lineSuffix, documentLength: 100 }, 1024);
  }
});

describe('the debounce', () => {
  function typing(gapMs: number, keys = 30): TypingPace {
    const pace = new TypingPace();
    for (let key = 0; key < keys; key++) {
      pace.typed(key * gapMs);
    }
    return pace;
  }

  test('follows the pace of typing when the model is slower than that', () => {
    const [fast, slow] = [typing(100), typing(300)];
    expect(debounceMs(fast, 900, 2900)).toBeCloseTo(125, -1);
    expect(debounceMs(slow, 900, 8700)).toBeCloseTo(375, -1);
    expect(debounceMs(fast, undefined, 2900)).toBeGreaterThan(100);
  });

  test('is zero for a model that answers between two keys, and after a pause', () => {
    expect(debounceMs(typing(200), 120, 5800)).toBe(0);
    expect(debounceMs(typing(200), 900, 5800 + 500)).toBe(0);
    expect(debounceMs(new TypingPace(), 900, 0)).toBe(0);
  });

  test('has a maximum, and pauses do not change the pace', () => {
    const pace = typing(900);
    expect(debounceMs(pace, 5000, 29 * 900)).toBe(400);
    const before = pace.milliseconds;
    pace.typed(29 * 900 + 60_000);
    expect(pace.milliseconds).toBe(before);
  });
});

describe('a shown suggestion', () => {
  const uri = 'file:///a.ts';
  const text = 'x = ;\n';
  const offer = { uri, text, offset: 4, suggestions: [{ text: 'value', replace: 0 }] };
  const at = (typed: string) => `x = ${typed};\n`;
  const shown = (more: object = {}) => {
    const offers = new ShownSuggestions();
    offers.shown({ ...offer, ...more }, 0);
    return offers;
  };

  test('that is accepted reports the offset of its end', () => {
    expect(shown().edited(uri, at('value'), 10)).toBe(9);
    const replaced = shown({ text: 'x = ]\n', suggestions: [{ text: 'a];', replace: 1 }] });
    expect(replaced.edited(uri, 'x = a];\n', 10)).toBe(7);
    const second = shown({
      suggestions: [
        { text: 'one', replace: 0 },
        { text: 'other', replace: 0 },
      ],
    });
    expect(second.edited(uri, at('other'), 10)).toBe(9);
  });

  test('that was read and left counts as dismissed when the user comes back', () => {
    const offers = shown();
    expect(offers.edited(uri, at('q'), 1000)).toBeUndefined();
    expect(offers.isDismissed({ uri, text, offset: 4 }, 3000)).toBe(true);
    expect(offers.isDismissed({ uri, text: `${text}more`, offset: 4 }, 3000)).toBe(false);
    expect(offers.isDismissed({ uri, text, offset: 3 }, 3000)).toBe(false);
    expect(offers.isDismissed({ uri, text, offset: 4 }, 1000 + 200_000)).toBe(false);
  });

  test('that was left by a slip, or before it could be read, does not count as dismissed', () => {
    const slip = shown();
    slip.edited(uri, at('q'), 1000);
    expect(slip.isDismissed({ uri, text, offset: 4 }, 1400)).toBe(false);
    const unread = shown();
    unread.edited(uri, at('q'), 200);
    expect(unread.isDismissed({ uri, text, offset: 4 }, 3000)).toBe(false);
  });

  test('stays while the user types it, also when the editor adds closing characters', () => {
    const offers = shown({ suggestions: [{ text: '(a, b)', replace: 0 }] });
    offers.edited(uri, at('()'), 1000);
    offers.edited(uri, text, 2000);
    expect(offers.isDismissed({ uri, text, offset: 4 }, 5000)).toBe(false);
    expect(offers.edited(uri, at('(a, b)'), 6000)).toBe(10);
  });

  test('is forgotten when its document is closed', () => {
    const offers = shown();
    offers.edited(uri, at('q'), 1000);
    offers.closed(uri);
    expect(offers.isDismissed({ uri, text, offset: 4 }, 3000)).toBe(false);
  });
});

describe('late completions', () => {
  const stats = (queueMs: number, prefillMs: number, decodeMs: number): NativeGenerationStats => ({
    reusedTokens: 0,
    fedTokens: 1,
    decodedTokens: 2,
    queueMs,
    prefillMs,
    firstTokenMs: prefillMs,
    decodeMs,
    fasaSteps: 0,
    bytesReadPerToken: 0,
  });

  test('are reported as too slow when most of the last requests were late, with the cause', () => {
    const watch = new LatencyWatch();
    watch.note(true, 5000, stats(0, 10, 5000));
    watch.note(true, 5000, stats(0, 10, 5000));
    expect(watch.slow).toBeUndefined();
    watch.note(true, 5000, stats(0, 10, 5000));
    expect(watch.slow).toMatchObject({
      cause: 'decoding',
      message:
        '3 of the last 3 completions were not done within 5.0 s. Most of the time is spent on generating the suggestion.',
    });
    watch.note(true, 5000, stats(0, 4000, 900));
    expect(watch.slow?.cause).toBe('feeding');
    watch.note(true, 5000, stats(4000, 900, 100));
    expect(watch.slow?.cause).toBe('waiting');
    watch.note(true, 5000, undefined);
    expect(watch.slow?.cause).toBe('feeding');
  });

  test('are no longer reported after requests in time, or with another model', () => {
    const watch = new LatencyWatch();
    const late = () => watch.note(true, 100, undefined);
    for (const note of [late, late, late]) {
      note();
    }
    for (let count = 0; count < 3; count++) {
      watch.note(false, 100, stats(0, 1, 1));
    }
    expect(watch.slow).toBeUndefined();
    for (const note of [late, late, late]) {
      note();
    }
    expect(watch.slow).toBeDefined();
    watch.clear();
    expect(watch.slow).toBeUndefined();
  });
});

describe('the measured speed', () => {
  const stats = (fed: number, prefillMs: number, decoded: number, decodeMs: number): NativeGenerationStats => ({
    reusedTokens: 0,
    fedTokens: fed,
    decodedTokens: decoded,
    queueMs: 0,
    prefillMs,
    firstTokenMs: prefillMs,
    decodeMs,
    fasaSteps: 0,
    bytesReadPerToken: 0,
  });

  test('limits the text after the cursor to what can be prefilled for each key', () => {
    const speed = new MeasuredSpeed();
    expect(speed.suffixTokens(256)).toBe(256);
    speed.note(stats(100, 400, 0, 0)); // 4 ms a token: 62 in a quarter of a second
    expect(speed.suffixTokens(256)).toBe(32);
    expect(speed.suffixTokens(20)).toBe(20);
    const fast = new MeasuredSpeed();
    fast.note(stats(1000, 100, 0, 0));
    expect(fast.suffixTokens(256)).toBe(256);
  });

  test('halves the prefill batch after a cancelled one, and doubles it after a completed one', () => {
    const speed = new MeasuredSpeed();
    expect(speed.prefillBatchTokens).toBe(4096);
    speed.batchCancelled();
    expect(speed.prefillBatchTokens).toBe(64);
    for (let count = 0; count < 5; count++) {
      speed.batchCancelled();
    }
    expect(speed.prefillBatchTokens).toBe(16);
    speed.batchDone();
    expect(speed.prefillBatchTokens).toBe(32);
  });

  test('estimates the time of a usual line once something was decoded', () => {
    const speed = new MeasuredSpeed();
    expect(speed.answerMs).toBeUndefined();
    speed.note(stats(2, 10, 11, 200));
    expect(speed.answerMs).toBe(12 * 20);
    expect(speed.prefillMsPerToken).toBeUndefined();
  });
});
