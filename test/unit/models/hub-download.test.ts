/** Downloads from a hub on this machine that stalls, dies, lies, refuses and changes its mind. */

import { existsSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { removeModel } from '../../../language-server/models/own-folder/remove-model';
import { recordFile } from '../../../language-server/models/verified';
import type { DownloadProgress } from '../../../language-server/protocol/models';
import { type GgufValue, writeGguf } from '../../native/tools/gguf-writer';
import { tinyModelFile } from '../../native/tools/tiny-model';
import { half, holds, listing, model, name, other, refusal, url, useHub } from './hub-fixture';
import type { TestHub } from './hub-server';

const the = useHub();

describe('a model of the hub', () => {
  test('is fetched whole, checked, and noted as checked', async () => {
    the.hub.put('owner/repo/tiny-f16.gguf', other);
    the.hub.put('owner/repo/README.md', Buffer.from('# Tiny'));
    const fetched = await the.fetchModel();
    expect(fetched).toEqual({ file: the.file(), fetched: true });
    expect(holds(the.file(), model)).toBe(true);
    expect(the.filesOfFolder()).toEqual([`owner/repo/${name}`, `owner/repo/${path.basename(recordFile(the.file()))}`]);
    expect(the.progress.at(-1)).toMatchObject({ doneBytes: model.length, totalBytes: model.length });
    expect(the.steps).toEqual(['Looking at owner/repo', expect.stringContaining(`Downloading ${name}`)]);
  });

  test('is not fetched again', async () => {
    await the.fetchModel();
    expect(await the.fetchModel()).toMatchObject({ fetched: false, file: the.file() });
    expect(the.asked()).toHaveLength(1);
  });

  test('that was changed since replaces what is there', async () => {
    await the.fetchModel();
    the.hub.put(`owner/repo/${name}`, other);
    expect(await the.fetchModel()).toMatchObject({ fetched: true });
    expect(holds(the.file(), other)).toBe(true);
    expect(the.steps.join('\n')).toContain('so it is replaced');
  });

  test.each([
    ['owner/repo:tiny-f16.gguf', 'tiny-f16.gguf'],
    ['owner/repo:F16', 'tiny-f16.gguf'],
    ['hf.co/owner/repo:q4_k_m', name],
    ['owner/repo:deep/tiny-Q8_0.gguf', 'tiny-Q8_0.gguf'],
  ])('is chosen by %s', async (reference, expected) => {
    the.hub.put('owner/repo/tiny-f16.gguf', other);
    the.hub.put('owner/repo/deep/tiny-Q8_0.gguf', other);
    the.hub.put('owner/repo/mmproj-f16.gguf', other);
    expect(path.basename((await the.fetchModel(reference)).file)).toBe(expected);
  });

  test('that is split is fetched whole, goes on in the middle, and is one file in the end', async () => {
    const { metadata, tensors } = tinyModelFile({ architecture: 'qwen2' });
    const parts = [1, 2, 3].map((part) => `big-Q8_0-0000${part}-of-00003.gguf`);
    const bytes = [tensors.slice(0, 3), tensors.slice(3, 9), tensors.slice(9)].map((some, index) => {
      const split: [string, GgufValue][] = [
        ['split.no', { type: 'u16', value: index }],
        ['split.count', { type: 'u16', value: 3 }],
      ];
      return Buffer.from(writeGguf({ metadata: [...(index === 0 ? metadata : []), ...split], tensors: some }).bytes);
    });
    for (const [index, part] of parts.entries()) {
      the.hub.put(`owner/big/Q8_0/${part}`, bytes[index] ?? model);
    }
    const second = `/owner/big/resolve/main/Q8_0/${parts[1]}`;
    the.hub.always(second, { kind: 'status', status: 404 });
    await expect(the.fetchModel('owner/big')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    the.hub.always(second, { kind: 'drip', bytes: 1 << 20, ms: 0 });
    the.hub.seen.length = 0;
    const { file: joined } = await the.fetchModel('owner/big');
    expect(path.basename(joined)).toBe('big-Q8_0.gguf');
    expect(holds(joined, model)).toBe(true);
    expect(the.hub.seen.some((one) => one.path.endsWith(parts[0] ?? ''))).toBe(false);
    expect(the.progress.at(-1)?.totalBytes).toBe(bytes.reduce((sum, one) => sum + one.length, 0));
    expect(the.filesOfFolder()).toEqual(['owner/big/big-Q8_0.gguf', 'owner/big/big-Q8_0.gguf.joined']);
    expect(the.steps.at(-1)).toBe('Joining the 3 parts of big-Q8_0.gguf');
    expect(await the.fetchModel('owner/big')).toEqual({ file: joined, fetched: false });
    // one of other parts, or one that was changed, is not it
    writeFileSync(joined, 'GGUF');
    expect(await the.fetchModel('owner/big')).toEqual({ file: joined, fetched: true });
    await removeModel(joined, the.folder);
    expect(the.filesOfFolder()).toEqual([]);
  });

  test('that is split in another way than its names say is not joined', async () => {
    the.hub.put('owner/big/a-00001-of-00002.gguf', model);
    the.hub.put('owner/big/a-00002-of-00002.gguf', other);
    await expect(the.fetchModel('owner/big:a-00001-of-00002.gguf')).rejects.toMatchObject(
      refusal('BAD_GGUF', /cannot be joined/),
    );
    expect(the.filesOfFolder().filter((one) => one.endsWith('a.gguf'))).toEqual([]);
  });

  test('of which a part is missing is not begun', async () => {
    the.hub.put('owner/big/a-00001-of-00002.gguf', model);
    await expect(the.fetchModel('owner/big:a-00001-of-00002.gguf')).rejects.toMatchObject(
      refusal('DOWNLOAD_FAILED', /lacks a-00002-of-00002\.gguf/),
    );
  });

  test.each([
    ['no/such', refusal('DOWNLOAD_FAILED', /no\/such was not found/)],
    ['owner/repo:Q8_0', refusal('DOWNLOAD_FAILED', /has no Q8_0; it has tiny-q4_k_m\.gguf \(1\.5 MB\)/)],
    ['owner/empty', refusal('DOWNLOAD_FAILED', /has no GGUF file/)],
  ])('that is not there (%s) is said to be so', async (reference, expected) => {
    the.hub.put('owner/empty/README.md', model);
    await expect(the.fetchModel(reference)).rejects.toMatchObject(expected);
  });
});

describe('a download goes on', () => {
  test.each([
    ['a connection that ended', { kind: 'die', after: half }],
    ['a server that went silent', { kind: 'stall', after: half }],
    ['a body that ended early', { kind: 'end', after: half }],
  ] as const)('after %s, where it was', async (_what, mishap) => {
    the.hub.next(url, mishap);
    // long enough for a busy machine, and waited for where the server is silent alone
    await the.fetchModel('owner/repo', { hub: the.options({ timing: { ...the.timing, stallMs: 1500 } }) });
    expect(holds(the.file(), model)).toBe(true);
    const [first, second] = the.hub.seen.filter((one) => one.path === url);
    expect(first?.range).toBeUndefined();
    const start = Number(/^bytes=(\d+)-$/.exec(second?.range ?? '')?.[1]);
    // of what a dying connection sent, some may not arrive
    expect(start).toBeGreaterThan(0);
    expect(start).toBeLessThanOrEqual(half);
    expect(second?.ifRange).toMatch(/^"\w+"$/);
  });

  test('after many of them, and does not count what was won', async () => {
    const deaths = Array.from({ length: 9 }, () => ({ kind: 'die', after: 100_000 }) as const);
    the.hub.next(url, ...deaths);
    await the.fetchModel();
    expect(holds(the.file(), model)).toBe(true);
    expect(the.slept).toEqual(Array(9).fill(1000));
  });

  test('and ends where nothing is won any more', async () => {
    the.hub.always(url, { kind: 'die', after: 0 });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('NETWORK', /^Nothing could be fetched: /));
    expect(the.slept).toEqual([1000, 2000, 4000]);
  });

  test('from a server that knows no ranges, and ends where it never gets further', async () => {
    the.hub.next(url, { kind: 'die', after: half }, { kind: 'ignore-range' });
    await the.fetchModel();
    expect(holds(the.file(), model)).toBe(true);
    rmSync(the.folder, { recursive: true });
    the.hub.always(url, { kind: 'end', after: half, ignoresRange: true });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('NETWORK', /^The download stopped: /));
  });

  test('after it was cancelled', async () => {
    const controller = new AbortController();
    the.hub.next(url, { kind: 'stall', after: half });
    const onProgress = ({ doneBytes }: DownloadProgress) => doneBytes >= half && controller.abort();
    await expect(the.fetchModel('owner/repo', { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(existsSync(the.file())).toBe(false);
    expect(statSync(`${the.file()}.part`).size).toBe(half);
    await the.fetchModel();
    expect(the.asked()).toEqual([undefined, `bytes=${half}-`]);
    expect(holds(the.file(), model)).toBe(true);
  });

  test('or not: what was begun is removed as a model is', async () => {
    the.hub.next(url, { kind: 'die', after: half }, { kind: 'status', status: 404 });
    await expect(the.fetchModel()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    expect(the.filesOfFolder()).toHaveLength(2);
    await removeModel(the.file(), the.folder);
    expect(the.filesOfFolder()).toEqual([]);
  });

  test('with the other version from its start when the file changed meanwhile', async () => {
    the.hub.next(url, { kind: 'die', after: half });
    the.hub.next(url, { kind: 'status', status: 404 });
    await expect(the.fetchModel()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    the.hub.put(`owner/repo/${name}`, other);
    await the.fetchModel();
    expect(the.asked().at(-1)).toBeUndefined();
    expect(holds(the.file(), other)).toBe(true);
  });

  test('anew where the server sends the rest of another version', async () => {
    const address = `${the.hub.endpoint}/plain/model.gguf`;
    the.hub.put('plain/model.gguf', model);
    the.hub.next('/plain/model.gguf', { kind: 'die', after: half }, { kind: 'status', status: 404 });
    await expect(the.fetchModel(address)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    the.hub.put('plain/model.gguf', other);
    the.hub.next('/plain/model.gguf', { kind: 'ignore-if-range' });
    const { file: fetched } = await the.fetchModel(address);
    expect(holds(fetched, other)).toBe(true);
  });

  test('whose part has all bytes, or more than all (HTTP 416)', async () => {
    the.hub.next(url, { kind: 'die', after: half }, { kind: 'status', status: 404 });
    await expect(the.fetchModel()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    writeFileSync(`${the.file()}.part`, model);
    await the.fetchModel();
    expect(the.asked()).toHaveLength(2);
    expect(holds(the.file(), model)).toBe(true);

    the.hub.next('/plain/a.gguf', { kind: 'die', after: half }, { kind: 'status', status: 404 });
    the.hub.put('plain/a.gguf', model);
    const address = `${the.hub.endpoint}/plain/a.gguf`;
    await expect(the.fetchModel(address)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    const part = path.join(the.folder, '127.0.0.1', 'a.gguf.part');
    writeFileSync(part, Buffer.concat([model, model]));
    expect(holds((await the.fetchModel(address)).file, model)).toBe(true);
  });
});

describe('a server that is busy', () => {
  test('is asked again when it says', async () => {
    the.hub.next(
      url,
      { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
      { kind: 'status', status: 503 },
    );
    await the.fetchModel();
    expect(the.slept).toEqual([7000, 2000]);
  });

  test('for longer than anybody waits is told of', async () => {
    the.hub.next(url, { kind: 'status', status: 429, headers: { 'retry-after': '86400' } });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('NETWORK', /answers HTTP 429/));
    expect(the.slept).toEqual([]);
  });

  test('for ever is given up', async () => {
    the.hub.always(listing, { kind: 'status', status: 503 });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('NETWORK', /answers HTTP 503/));
    expect(the.slept).toEqual([1000, 2000]);
  });
});

describe('what is not the model', () => {
  const nothingStays = () => expect(the.filesOfFolder()).toEqual([]);

  test.each<[what: string, mishap: Parameters<TestHub['next']>[1], code: string, message: RegExp]>([
    [
      'other bytes',
      { kind: 'body', body: other.length === model.length ? other : model },
      'DOWNLOAD_CORRUPT',
      /SHA-256/,
    ],
    [
      'a length that the listing does not have',
      { kind: 'body', body: 'GGUF' },
      'DOWNLOAD_CORRUPT',
      /has 4 bytes, and its repository says/,
    ],
    ['more bytes than it says', { kind: 'more', bytes: 9 }, 'DOWNLOAD_CORRUPT', /gives more than the \d+ bytes/],
    ['no GGUF', { kind: 'body', body: Buffer.alloc(model.length, 'x') }, 'DOWNLOAD_CORRUPT', /is no GGUF file/],
    [
      'a page of that size',
      { kind: 'body', body: `<!DOCTYPE html>${' '.repeat(model.length - 15)}` },
      'DOWNLOAD_CORRUPT',
      /is a web page/,
    ],
  ])('has %s, and leaves nothing', async (_what, mishap, code, message) => {
    the.hub.always(url, mishap);
    await expect(the.fetchModel()).rejects.toMatchObject(refusal(code, message));
    nothingStays();
  });

  test('is a web page, as its type says', async () => {
    the.hub.always(url, { kind: 'body', body: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /a web page instead of the file/));
    expect(existsSync(the.file())).toBe(false);
  });

  test('is a pointer, where no listing has its size', async () => {
    the.hub.put('plain/a.gguf', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'));
    await expect(the.fetchModel(`${the.hub.endpoint}/plain/a.gguf`)).rejects.toMatchObject(
      refusal('DOWNLOAD_CORRUPT', /pointer to a large file/),
    );
    nothingStays();
  });

  test('comes a byte at a time, and is seen all the same', async () => {
    the.hub.put('plain/a.gguf', Buffer.from('<html>'));
    the.hub.next('/plain/a.gguf', { kind: 'drip', bytes: 1, ms: 2 });
    await expect(the.fetchModel(`${the.hub.endpoint}/plain/a.gguf`)).rejects.toMatchObject(
      refusal('DOWNLOAD_CORRUPT', /is a web page/),
    );
  });

  test.each([
    ['a page', '<html></html>'],
    ['an object', '{"error":"no"}'],
    ['a number', '7'],
    ['nothing', ''],
  ])('stands in a listing that is %s', async (_what, body) => {
    the.hub.always(listing, { kind: 'body', body, headers: { 'content-type': 'application/json' } });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /no listing of a hub/));
  });

  test('stands in a listing with entries of another shape, which cost themselves', async () => {
    const good = { type: 'file', path: name, size: model.length };
    const bad = [null, 7, {}, { type: 'file', path: 7 }, { ...good, path: '../../x.gguf' }, { ...good, size: -1 }];
    the.hub.always(listing, { kind: 'body', body: JSON.stringify([...bad, good]) });
    expect(holds((await the.fetchModel()).file, model)).toBe(true);
  });

  test('stands in a listing without end', async () => {
    const link = `<${the.hub.endpoint}${listing}?cursor=x>; rel="next"`;
    the.hub.always(listing, { kind: 'body', body: '[]', headers: { link } });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /more than 20 pages/));
  });
});
