/** What a user writes for a model of the hub, what a server says of its patience, and how fast a download is. */

import { describe, expect, test } from 'vitest';
import { retryAfter } from '../../../language-server/models/hub/answers';
import { parseReference } from '../../../language-server/models/hub/reference';
import { SpeedMeter } from '../../../language-server/models/hub/speed';

const hub = 'https://huggingface.co';

describe('a reference', () => {
  test.each([
    ['owner/repo', 'owner/repo', 'main', undefined],
    ['owner/repo:Q4_K_M', 'owner/repo', 'main', 'Q4_K_M'],
    ['owner/repo:folder/model.gguf', 'owner/repo', 'main', 'folder/model.gguf'],
    ['hf.co/owner/repo:Q8_0', 'owner/repo', 'main', 'Q8_0'],
    ['https://huggingface.co/owner/repo', 'owner/repo', 'main', undefined],
    ['https://huggingface.co/owner/repo/tree/main', 'owner/repo', 'main', undefined],
    ['https://huggingface.co/owner/repo/blob/abc123/a/b.gguf', 'owner/repo', 'abc123', 'a/b.gguf'],
    ['https://hf.co/owner/repo/resolve/main/b%20c.gguf?download=true', 'owner/repo', 'main', 'b c.gguf'],
    ['qwen2.5-coder-1.5b', 'Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF', 'main', undefined],
  ])('%s is the hub’s', (text, repository, revision, wanted) => {
    expect(parseReference(text, hub)).toMatchObject({ kind: 'hub', repository, revision, wanted });
  });

  test('to a mirror is the hub’s, too', () => {
    const reference = parseReference('https://mirror.example/owner/repo/resolve/main/a.gguf', 'https://mirror.example');
    expect(reference).toMatchObject({ kind: 'hub', repository: 'owner/repo', wanted: 'a.gguf' });
  });

  test('to another place is an address', () => {
    const reference = parseReference('https://files.example/models/My%20Model.gguf?token=x', hub);
    expect(reference).toMatchObject({ kind: 'url', file: 'My Model.gguf' });
  });

  test('to a file of the catalogue’s knows its model', () => {
    const reference = parseReference('Qwen/Qwen2.5-Coder-7B-Instruct-GGUF:qwen2.5-coder-7b-instruct-q8_0.gguf', hub);
    expect(reference).toMatchObject({ known: { name: 'qwen2.5-coder-7b' } });
  });

  test.each([
    'default',
    '',
    'model.gguf',
    'folder/model.gguf',
    '/abs/model.gguf',
    'C:\\m.gguf',
    '../x/y',
    'a/b/c',
    'a',
  ])('%j is none', (text) => {
    expect(parseReference(text, hub)).toBeUndefined();
  });

  test.each([
    'https://files.example/models/',
    'https://files.example/model.bin',
    'https://files.example/..%2f..%2fx.gguf',
    'https://files.example/.gguf',
    'https://',
    'https://huggingface.co/owner/repo/resolve/..%2f..%2fx/a.gguf',
  ])('%s is refused', (text) => {
    expect(() => parseReference(text, hub)).toThrow(/names no GGUF file|is no address|is no revision/);
  });
});

test('a server’s patience is in seconds or a date', () => {
  const now = Date.parse('2026-12-01T10:00:00Z');
  expect(retryAfter('120', now)).toBe(120_000);
  expect(retryAfter('Tue, 01 Dec 2026 10:00:30 GMT', now)).toBe(30_000);
  expect(retryAfter('Tue, 01 Dec 2026 09:00:00 GMT', now)).toBe(0);
  expect(retryAfter('soon', now)).toBeUndefined();
  expect(retryAfter(undefined, now)).toBeUndefined();
});

describe('the speed of a download', () => {
  test('is that of the last seconds, and tells the time left', () => {
    let now = 0;
    const meter = new SpeedMeter(() => now);
    expect(meter.progress(1000, 10_000)).toEqual({ doneBytes: 1000, totalBytes: 10_000 });
    now = 1000;
    expect(meter.progress(2000, 10_000)).toMatchObject({ bytesPerSecond: 1000, secondsLeft: 8 });
    // slower from here on
    for (now = 2000; now <= 20_000; now += 1000) {
      meter.progress(2000 + (now - 1000) / 10, 10_000);
    }
    expect(meter.progress(4000, 10_000).bytesPerSecond).toBeCloseTo(100, 0);
  });

  test('does not count what was there, nor what begins anew', () => {
    let now = 0;
    const meter = new SpeedMeter(() => now);
    meter.progress(5_000_000, undefined);
    now = 1000;
    expect(meter.progress(5_001_000, undefined)).toEqual({ doneBytes: 5_001_000, bytesPerSecond: 1000 });
    now = 2000;
    expect(meter.progress(0, undefined).bytesPerSecond).toBeUndefined();
  });
});
