import { describe, expect, test } from 'vitest';
import { EngineError, toEngineError } from '../../../language-server/base/errors';
import { TextStream } from '../../../language-server/base/text';
import { parseCalibration } from '../../../language-server/engine/calibration/calibration';
import { chooseThreads } from '../../../language-server/engine/devices';
import { checkMemory } from '../../../language-server/engine/memory';
import type { NativeModelInfo } from '../../../language-server/engine/native/addon';
import { chooseContextTokens } from '../../../language-server/engine/native/native-engine';
import { formatBytes } from '../../../language-server/protocol/format';
import { FakeEngine } from '../../server/tools/fake-engine';

describe('the text stream', () => {
  test('never gives out half a character', () => {
    const text = 'aé∀😀b';
    const stream = new TextStream();
    const deltas = [...Buffer.from(text, 'utf8')].map((byte) => stream.push(Uint8Array.of(byte)));
    expect(deltas.join('')).toBe(text);
    expect(deltas.filter((delta) => delta !== '')).toEqual(['a', 'é', '∀', '😀', 'b']);
    expect(stream.whole).toBe(text);
  });

  test('replaces invalid bytes and holds back an incomplete character', () => {
    const stream = new TextStream();
    stream.push(Uint8Array.of(0x61, 0xff, 0x62, 0xf0, 0x9f));
    expect(stream.whole).toBe('a\ufffdb');
  });
});

describe('a calibration file', () => {
  const info = { fingerprint: 'abc', layers: 2, kvHeads: 2, headSize: 8 };
  const good = {
    format: 'fasa-calibration',
    version: 1,
    model: { name: 'm', architecture: 'llama', fingerprint: 'abc' },
    corpus: 'c',
    tokens: 5,
    dominantFcs: [
      [
        [0, 1],
        [2, 3],
      ],
      [
        [0, 3],
        [1, 2],
      ],
    ],
  };
  const parse = (value: unknown) =>
    parseCalibration(typeof value === 'string' ? value : JSON.stringify(value), 'f.json', info);

  test('is accepted when it fits the model', () => {
    expect(parse(good).dominantFcs).toEqual(good.dominantFcs);
  });

  const first = (chosen: unknown) => ({ ...good, dominantFcs: [[chosen, [2, 3]], good.dominantFcs[1]] });
  test.each([
    ['that is no JSON', '{', 'it is not JSON'],
    ['of another format', { ...good, format: 'x' }, 'its format'],
    ['of another version', { ...good, version: 2 }, 'its version'],
    ['of another model', { ...good, model: { fingerprint: 'x' } }, 'another model'],
    ['with too few layers', { ...good, dominantFcs: [good.dominantFcs[0]] }, 'the 2 layers'],
    [
      'with too many heads',
      {
        ...good,
        dominantFcs: [
          [[0], [0], [0]],
          [[0], [0]],
        ],
      },
      'the 2 KV heads',
    ],
    ['with none chosen', first([]), 'dominantFcs[0][0] must be an array of ascending numbers'],
    [
      'with unequal numbers',
      { ...good, dominantFcs: [[[0, 1], [2]], good.dominantFcs[1]] },
      'of 2 and of 1 frequency chunks',
    ],
    ['with one past the head', first([0, 4]), 'from 0 to 3'],
    ['that is not ascending', first([1, 1]), 'ascending'],
    ['with half a chunk', first([0.5, 1]), 'ascending'],
    ['with a text', first(['0', 1]), 'ascending'],
    ['with a composition that is a text', { ...good, composition: 'x' }, 'composition must be an object'],
    [
      'with half a token',
      { ...good, composition: { lateTokens: 0.5 } },
      'composition.lateTokens must be a whole number',
    ],
    ['with a bias without measure', { ...good, composition: { bias: 101 } }, 'composition.bias must be a number from'],
  ])('is refused with a reason: %s', (_name, value, reason) => {
    expect(() => parse(value)).toThrow(expect.objectContaining({ code: 'BAD_CALIBRATION' }) as Error);
    expect(() => parse(value)).toThrow(reason);
  });
});

describe('memory', () => {
  const info: NativeModelInfo = { ...new FakeEngine().model, bytes: 1e9, kvBytesPerToken: 100_000 };

  test('that is insufficient is reported with both figures before anything is loaded', () => {
    expect(() => checkMemory(info, 10_000, 2.5e9)).not.toThrow();
    expect(() => checkMemory(info, 10_000, 1.5e9)).toThrow(/needs about 2\.3 GB of memory, and 1\.5 GB are free/);
    expect(() => checkMemory(info, 10_000, 1.5e9)).toThrow(expect.objectContaining({ code: 'OUT_OF_MEMORY' }) as Error);
  });

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1500, '1.5 kB'],
    [98_362_432, '98.4 MB'],
    [502_000_000, '502 MB'],
    [2.5e13, '25.0 TB'],
  ])('of %d bytes is displayed as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('defaults', () => {
  test('use the trained context up to 8192 tokens, or the requested one', () => {
    expect(chooseContextTokens({ trainedContext: 4096 }, 0)).toBe(4096);
    expect(chooseContextTokens({ trainedContext: 131_072 }, undefined)).toBe(8192);
    expect(chooseContextTokens({ trainedContext: 4096 }, 16_384)).toBe(16_384);
    // chunks stand at positions of their own
    expect(chooseContextTokens({ trainedContext: 4096 }, 0, 1024)).toBe(3072);
    expect(chooseContextTokens({ trainedContext: 1024 }, 0, 1024)).toBe(512);
    expect(chooseContextTokens({ trainedContext: 4096 }, 4096, 1024)).toBe(4096);
  });

  test('use one to four threads, and never more than there are', () => {
    expect(chooseThreads(0)).toBeGreaterThanOrEqual(1);
    expect(chooseThreads(undefined)).toBeLessThanOrEqual(4);
    expect(chooseThreads(1)).toBe(1);
    expect(chooseThreads(10_000)).toBeLessThan(10_000);
  });
});

describe('toEngineError', () => {
  test('keeps the code of an addon error and adds a remedy', () => {
    const native = Object.assign(new Error('layer 3 has no attn_q.weight'), { code: 'MISSING_TENSOR' });
    const error = toEngineError(native);
    expect(error).toMatchObject({ code: 'MISSING_TENSOR', showToUser: true });
    expect(error.message).toBe('layer 3 has no attn_q.weight');
    expect(error.remedy).not.toBe('');
  });

  test('recognizes a full disk and aborted work', () => {
    expect(toEngineError(Object.assign(new Error('write'), { code: 'ENOSPC' })).code).toBe('DISK_FULL');
    const aborted = toEngineError(new DOMException('aborted', 'AbortError'));
    expect(aborted).toMatchObject({ code: 'CANCELLED', showToUser: false });
  });

  test('turns unknown errors into internal ones without losing them', () => {
    expect(toEngineError('text')).toMatchObject({ code: 'INTERNAL', message: 'text' });
    const known = new EngineError('BUSY', 'x');
    expect(toEngineError(known)).toBe(known);
  });
});
