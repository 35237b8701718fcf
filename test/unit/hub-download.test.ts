/** Downloads from a hub on this machine that stalls, dies, lies, redirects, refuses and changes its mind. */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchHubModel } from '../../language-server/models/hub/fetch-hub-model';
import { defaultTiming, type HubOptions, hubOptions, type Timing } from '../../language-server/models/hub/options';
import { parseReference } from '../../language-server/models/hub/reference';
import { readRemoteHeader } from '../../language-server/models/hub/remote-header';
import { removeModel } from '../../language-server/models/own-folder/remove-model';
import { recordFile } from '../../language-server/models/verified';
import type { DownloadProgress } from '../../language-server/protocol/models';
import { type GgufValue, writeGguf } from '../native/gguf-writer';
import { tinyModel, tinyModelFile } from '../native/tiny-model';
import { startHub, type TestHub } from './hub-server';

const model = Buffer.from(tinyModel({ architecture: 'qwen2' }).bytes);
const other = Buffer.from(tinyModel({ architecture: 'qwen2', seed: 2 }).bytes);
const half = Math.floor(model.length / 2);

const name = 'tiny-q4_k_m.gguf';
const url = `/owner/repo/resolve/main/${name}`;
const listing = '/api/models/owner/repo/tree/main';

let hub: TestHub;
let folder = '';
let slept: number[] = [];
let steps: string[] = [];
let progress: DownloadProgress[] = [];

beforeEach(async () => {
  hub = await startHub();
  folder = path.join(mkdtempSync(path.join(os.tmpdir(), 'fasa hub ü-')), 'models');
  slept = [];
  steps = [];
  progress = [];
  hub.put(`owner/repo/${name}`, model);
});

afterEach(async () => {
  await hub.close();
  rmSync(path.dirname(folder), { recursive: true, force: true });
});

const timing: Timing = {
  ...defaultTiming,
  maxAttempts: 4,
  sleep: async (ms) => {
    slept.push(ms);
  },
};

function options(chosen: Partial<HubOptions> = {}): HubOptions {
  return { ...hubOptions({ endpoint: hub.endpoint }, {}, timing), ...chosen };
}

interface Choice {
  readonly hub?: HubOptions;
  readonly signal?: AbortSignal;
  readonly space?: () => Promise<number>;
  readonly onProgress?: (progress: DownloadProgress) => void;
}

async function fetchModel(reference = 'owner/repo', choice: Choice = {}) {
  const chosenHub = choice.hub ?? options();
  const parsed = parseReference(reference, chosenHub.endpoint);
  if (parsed === undefined) {
    throw new TypeError(`${reference} names nothing`);
  }
  return fetchHubModel(parsed, {
    hub: chosenHub,
    folder,
    signal: choice.signal ?? new AbortController().signal,
    onStep: (text) => steps.push(text),
    onProgress: (one) => {
      progress.push(one);
      choice.onProgress?.(one);
    },
    ...(choice.space === undefined ? {} : { space: choice.space }),
  });
}

const file = () => path.join(folder, 'owner', 'repo', name);

function filesOfFolder(): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .toSorted();
}

/** Compared as a whole: a difference of megabytes tells nothing. */
function holds(name: string, bytes: Buffer): boolean {
  return readFileSync(name).equals(bytes);
}

const asked = () => hub.seen.filter((one) => one.path === url).map(({ range }) => range);
const refusal = (code: string, message: RegExp) => ({ code, message: expect.stringMatching(message) as string });

describe('a model of the hub', () => {
  test('is fetched whole, checked, and noted as checked', async () => {
    hub.put('owner/repo/tiny-f16.gguf', other);
    hub.put('owner/repo/README.md', Buffer.from('# Tiny'));
    const fetched = await fetchModel();
    expect(fetched).toEqual({ file: file(), fetched: true });
    expect(holds(file(), model)).toBe(true);
    expect(filesOfFolder()).toEqual([`owner/repo/${name}`, `owner/repo/${path.basename(recordFile(file()))}`]);
    expect(progress.at(-1)).toMatchObject({ doneBytes: model.length, totalBytes: model.length });
    expect(steps).toEqual(['Looking at owner/repo', expect.stringContaining(`Downloading ${name}`)]);
  });

  test('is not fetched again', async () => {
    await fetchModel();
    expect(await fetchModel()).toMatchObject({ fetched: false, file: file() });
    expect(asked()).toHaveLength(1);
  });

  test('that was changed since replaces what is there', async () => {
    await fetchModel();
    hub.put(`owner/repo/${name}`, other);
    expect(await fetchModel()).toMatchObject({ fetched: true });
    expect(holds(file(), other)).toBe(true);
    expect(steps.join('\n')).toContain('so it is replaced');
  });

  test.each([
    ['owner/repo:tiny-f16.gguf', 'tiny-f16.gguf'],
    ['owner/repo:F16', 'tiny-f16.gguf'],
    ['hf.co/owner/repo:q4_k_m', name],
    ['owner/repo:deep/tiny-Q8_0.gguf', 'tiny-Q8_0.gguf'],
  ])('is chosen by %s', async (reference, expected) => {
    hub.put('owner/repo/tiny-f16.gguf', other);
    hub.put('owner/repo/deep/tiny-Q8_0.gguf', other);
    hub.put('owner/repo/mmproj-f16.gguf', other);
    expect(path.basename((await fetchModel(reference)).file)).toBe(expected);
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
      hub.put(`owner/big/Q8_0/${part}`, bytes[index] ?? model);
    }
    const second = `/owner/big/resolve/main/Q8_0/${parts[1]}`;
    hub.always(second, { kind: 'status', status: 404 });
    await expect(fetchModel('owner/big')).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    hub.always(second, { kind: 'drip', bytes: 1 << 20, ms: 0 });
    hub.seen.length = 0;
    const { file: joined } = await fetchModel('owner/big');
    expect(path.basename(joined)).toBe('big-Q8_0.gguf');
    expect(holds(joined, model)).toBe(true);
    expect(hub.seen.some((one) => one.path.endsWith(parts[0] ?? ''))).toBe(false);
    expect(progress.at(-1)?.totalBytes).toBe(bytes.reduce((sum, one) => sum + one.length, 0));
    expect(filesOfFolder()).toEqual(['owner/big/big-Q8_0.gguf', 'owner/big/big-Q8_0.gguf.joined']);
    expect(steps.at(-1)).toBe('Joining the 3 parts of big-Q8_0.gguf');
    expect(await fetchModel('owner/big')).toEqual({ file: joined, fetched: false });
    // one of other parts, or one that was changed, is not it
    writeFileSync(joined, 'GGUF');
    expect(await fetchModel('owner/big')).toEqual({ file: joined, fetched: true });
    await removeModel(joined, folder);
    expect(filesOfFolder()).toEqual([]);
  });

  test('that is split in another way than its names say is not joined', async () => {
    hub.put('owner/big/a-00001-of-00002.gguf', model);
    hub.put('owner/big/a-00002-of-00002.gguf', other);
    await expect(fetchModel('owner/big:a-00001-of-00002.gguf')).rejects.toMatchObject(
      refusal('BAD_GGUF', /cannot be joined/),
    );
    expect(filesOfFolder().filter((one) => one.endsWith('a.gguf'))).toEqual([]);
  });

  test('of which a part is missing is not begun', async () => {
    hub.put('owner/big/a-00001-of-00002.gguf', model);
    await expect(fetchModel('owner/big:a-00001-of-00002.gguf')).rejects.toMatchObject(
      refusal('DOWNLOAD_FAILED', /lacks a-00002-of-00002\.gguf/),
    );
  });

  test.each([
    ['no/such', refusal('DOWNLOAD_FAILED', /no\/such was not found/)],
    ['owner/repo:Q8_0', refusal('DOWNLOAD_FAILED', /has no Q8_0; it has tiny-q4_k_m\.gguf \(1\.5 MB\)/)],
    ['owner/empty', refusal('DOWNLOAD_FAILED', /has no GGUF file/)],
  ])('that is not there (%s) is said to be so', async (reference, expected) => {
    hub.put('owner/empty/README.md', model);
    await expect(fetchModel(reference)).rejects.toMatchObject(expected);
  });
});

describe('a download goes on', () => {
  test.each([
    ['a connection that ended', { kind: 'die', after: half }],
    ['a server that went silent', { kind: 'stall', after: half }],
    ['a body that ended early', { kind: 'end', after: half }],
  ] as const)('after %s, where it was', async (_what, mishap) => {
    hub.next(url, mishap);
    // long enough for a busy machine, and waited for where the server is silent alone
    await fetchModel('owner/repo', { hub: options({ timing: { ...timing, stallMs: 1500 } }) });
    expect(holds(file(), model)).toBe(true);
    const [first, second] = hub.seen.filter((one) => one.path === url);
    expect(first?.range).toBeUndefined();
    const start = Number(/^bytes=(\d+)-$/.exec(second?.range ?? '')?.[1]);
    // of what a dying connection sent, some may not arrive
    expect(start).toBeGreaterThan(0);
    expect(start).toBeLessThanOrEqual(half);
    expect(second?.ifRange).toMatch(/^"\w+"$/);
  });

  test('after many of them, and does not count what was won', async () => {
    const deaths = Array.from({ length: 9 }, () => ({ kind: 'die', after: 100_000 }) as const);
    hub.next(url, ...deaths);
    await fetchModel();
    expect(holds(file(), model)).toBe(true);
    expect(slept).toEqual(Array(9).fill(1000));
  });

  test('and ends where nothing is won any more', async () => {
    hub.always(url, { kind: 'die', after: 0 });
    await expect(fetchModel()).rejects.toMatchObject(refusal('NETWORK', /^Nothing could be fetched: /));
    expect(slept).toEqual([1000, 2000, 4000]);
  });

  test('from a server that knows no ranges, and ends where it never gets further', async () => {
    hub.next(url, { kind: 'die', after: half }, { kind: 'ignore-range' });
    await fetchModel();
    expect(holds(file(), model)).toBe(true);
    rmSync(folder, { recursive: true });
    hub.always(url, { kind: 'end', after: half, ignoresRange: true });
    await expect(fetchModel()).rejects.toMatchObject(refusal('NETWORK', /^The download stopped: /));
  });

  test('after it was cancelled', async () => {
    const controller = new AbortController();
    hub.next(url, { kind: 'stall', after: half });
    const onProgress = ({ doneBytes }: DownloadProgress) => doneBytes >= half && controller.abort();
    await expect(fetchModel('owner/repo', { signal: controller.signal, onProgress })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(existsSync(file())).toBe(false);
    expect(statSync(`${file()}.part`).size).toBe(half);
    await fetchModel();
    expect(asked()).toEqual([undefined, `bytes=${half}-`]);
    expect(holds(file(), model)).toBe(true);
  });

  test('with the other version from its start when the file changed meanwhile', async () => {
    hub.next(url, { kind: 'die', after: half });
    hub.next(url, { kind: 'status', status: 404 });
    await expect(fetchModel()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    hub.put(`owner/repo/${name}`, other);
    await fetchModel();
    expect(asked().at(-1)).toBeUndefined();
    expect(holds(file(), other)).toBe(true);
  });

  test('anew where the server sends the rest of another version', async () => {
    const address = `${hub.endpoint}/plain/model.gguf`;
    hub.put('plain/model.gguf', model);
    hub.next('/plain/model.gguf', { kind: 'die', after: half }, { kind: 'status', status: 404 });
    await expect(fetchModel(address)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    hub.put('plain/model.gguf', other);
    hub.next('/plain/model.gguf', { kind: 'ignore-if-range' });
    const { file: fetched } = await fetchModel(address);
    expect(holds(fetched, other)).toBe(true);
  });

  test('whose part has all bytes, or more than all (HTTP 416)', async () => {
    hub.next(url, { kind: 'die', after: half }, { kind: 'status', status: 404 });
    await expect(fetchModel()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    writeFileSync(`${file()}.part`, model);
    await fetchModel();
    expect(asked()).toHaveLength(2);
    expect(holds(file(), model)).toBe(true);

    hub.next('/plain/a.gguf', { kind: 'die', after: half }, { kind: 'status', status: 404 });
    hub.put('plain/a.gguf', model);
    const address = `${hub.endpoint}/plain/a.gguf`;
    await expect(fetchModel(address)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    const part = path.join(folder, '127.0.0.1', 'a.gguf.part');
    writeFileSync(part, Buffer.concat([model, model]));
    expect(holds((await fetchModel(address)).file, model)).toBe(true);
  });
});

describe('a server that is busy', () => {
  test('is asked again when it says', async () => {
    hub.next(url, { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, { kind: 'status', status: 503 });
    await fetchModel();
    expect(slept).toEqual([7000, 2000]);
  });

  test('for longer than anybody waits is told of', async () => {
    hub.next(url, { kind: 'status', status: 429, headers: { 'retry-after': '86400' } });
    await expect(fetchModel()).rejects.toMatchObject(refusal('NETWORK', /answers HTTP 429/));
    expect(slept).toEqual([]);
  });

  test('for ever is given up', async () => {
    hub.always(listing, { kind: 'status', status: 503 });
    await expect(fetchModel()).rejects.toMatchObject(refusal('NETWORK', /answers HTTP 503/));
    expect(slept).toEqual([1000, 2000]);
  });
});

describe('what is not the model', () => {
  const nothingStays = () => expect(filesOfFolder()).toEqual([]);

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
    hub.always(url, mishap);
    await expect(fetchModel()).rejects.toMatchObject(refusal(code, message));
    nothingStays();
  });

  test('is a web page, as its type says', async () => {
    hub.always(url, { kind: 'body', body: '<html>Sign in</html>', headers: { 'content-type': 'text/html' } });
    await expect(fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /a web page instead of the file/));
    expect(existsSync(file())).toBe(false);
  });

  test('is a pointer, where no listing has its size', async () => {
    hub.put('plain/a.gguf', Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'));
    await expect(fetchModel(`${hub.endpoint}/plain/a.gguf`)).rejects.toMatchObject(
      refusal('DOWNLOAD_CORRUPT', /pointer to a large file/),
    );
    nothingStays();
  });

  test('comes a byte at a time, and is seen all the same', async () => {
    hub.put('plain/a.gguf', Buffer.from('<html>'));
    hub.next('/plain/a.gguf', { kind: 'drip', bytes: 1, ms: 2 });
    await expect(fetchModel(`${hub.endpoint}/plain/a.gguf`)).rejects.toMatchObject(
      refusal('DOWNLOAD_CORRUPT', /is a web page/),
    );
  });

  test.each([
    ['a page', '<html></html>'],
    ['an object', '{"error":"no"}'],
    ['a number', '7'],
    ['nothing', ''],
  ])('stands in a listing that is %s', async (_what, body) => {
    hub.always(listing, { kind: 'body', body, headers: { 'content-type': 'application/json' } });
    await expect(fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /no listing of a hub/));
  });

  test('stands in a listing with entries of another shape, which cost themselves', async () => {
    const good = { type: 'file', path: name, size: model.length };
    const bad = [null, 7, {}, { type: 'file', path: 7 }, { ...good, path: '../../x.gguf' }, { ...good, size: -1 }];
    hub.always(listing, { kind: 'body', body: JSON.stringify([...bad, good]) });
    expect(holds((await fetchModel()).file, model)).toBe(true);
  });

  test('stands in a listing without end', async () => {
    const link = `<${hub.endpoint}${listing}?cursor=x>; rel="next"`;
    hub.always(listing, { kind: 'body', body: '[]', headers: { link } });
    await expect(fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /more than 20 pages/));
  });
});

describe('a token', () => {
  const token = 'hf_secret_of_mine';

  test('goes to the hub alone, and not where it redirects to', async () => {
    const content = await startHub();
    content.put('signed/file', model);
    hub.always(url, {
      kind: 'redirect',
      to: `${content.endpoint.replace('127.0.0.1', 'localhost')}/signed/file?X-Signature=secret`,
      headers: { 'x-linked-size': model.length },
    });
    try {
      await fetchModel('owner/repo', { hub: options({ token }) });
      expect(hub.seen.map(({ authorization }) => authorization)).toEqual(Array(2).fill(`Bearer ${token}`));
      expect(content.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
    } finally {
      await content.close();
    }
  });

  test('is wanted where a model is gated, and is in no message', async () => {
    hub.always(url, { kind: 'status', status: 401 });
    await expect(fetchModel()).rejects.toMatchObject({
      ...refusal('DOWNLOAD_FAILED', /refuses access to tiny-q4_k_m\.gguf \(HTTP 401\)/),
      remedy: expect.stringContaining('HF_TOKEN') as string,
    });
    hub.always(url, { kind: 'status', status: 403 });
    const error = await fetchModel('owner/repo', { hub: options({ token }) }).catch((cause: unknown) => cause);
    expect(String(error)).toContain('with this token (HTTP 403)');
    expect(JSON.stringify(error) + String(error) + steps.join()).not.toContain(token);
  });

  test('is in no message of a signed address', async () => {
    hub.always(url, { kind: 'redirect', to: `${hub.endpoint}/gone?X-Signature=secret` });
    const error = await fetchModel().catch((cause: unknown) => cause);
    expect(String(error)).toContain('/gone');
    expect(String(error)).not.toContain('secret');
  });
});

describe('an address', () => {
  test('that redirects in a circle is given up', async () => {
    hub.always(url, { kind: 'redirect', to: hub.endpoint + url });
    await expect(fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /redirects more than 8 times/));
  });

  test('that redirects to no address is refused', async () => {
    hub.always(url, { kind: 'redirect', to: 'file:///etc/passwd' });
    await expect(fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /redirects to what is no address/));
  });

  test('that is not encrypted is not asked', async () => {
    await expect(fetchModel('http://models.example/a.gguf')).rejects.toMatchObject(
      refusal('DOWNLOAD_FAILED', /models\.example\/a\.gguf is not encrypted/),
    );
  });

  test('of a mirror that is none is said to be none', () => {
    for (const endpoint of ['mirror', 'ftp://mirror.example', 'https://']) {
      expect(() => hubOptions({}, { HF_ENDPOINT: endpoint })).toThrow(/address of the hub/);
    }
  });

  test('of a mirror stands for the hub', async () => {
    const mirror = hubOptions({}, { HF_ENDPOINT: `${hub.endpoint}/`, HF_TOKEN: ' hf_x ' }, timing);
    expect(mirror).toMatchObject({ endpoint: hub.endpoint, token: 'hf_x' });
    expect((await fetchModel('owner/repo', { hub: mirror })).fetched).toBe(true);
  });
});

describe('a proxy', () => {
  let proxy: http.Server;
  let address = '';
  let through: string[] = [];

  beforeEach(async () => {
    through = [];
    proxy = http.createServer((request, response) => {
      through.push(`${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      const { hostname, port, pathname, search } = new URL(request.url ?? '');
      const onward = http.get({ hostname, port, path: pathname + search, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.writeHead(502).end());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    address = `http://user:word@127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  });

  afterEach(async () => {
    for (const variable of ['http_proxy', 'no_proxy']) {
      delete process.env[variable];
    }
    await new Promise((resolve) => {
      proxy.close(resolve);
      proxy.closeAllConnections();
    });
  });

  test('of the settings is used for all requests', async () => {
    await fetchModel('owner/repo', { hub: options({ proxy: address }) });
    expect(through).toHaveLength(2);
    expect(through[1]).toBe(`${hub.endpoint}${url} Basic ${Buffer.from('user:word').toString('base64')}`);
  });

  test('of the environment is used, but not for what it leaves out', async () => {
    process.env['http_proxy'] = address;
    await fetchModel();
    expect(through).toHaveLength(2);
    rmSync(folder, { recursive: true });
    process.env['no_proxy'] = '127.0.0.1';
    await fetchModel();
    expect(through).toHaveLength(2);
  });

  test.each([
    ['203 Fine', /refuses the connection \(HTTP 203\)/],
    ['302 Found\r\nLocation: https://evil.example/', /refuses the connection \(HTTP 302\)/],
    ['407 Proxy Authentication Required', /wants a name and a password/],
  ])('that answers in place of an encrypted server (%s) is not taken for it', async (answer, message) => {
    proxy.on('connect', (request, socket) => {
      through.push(`${request.url}`);
      const body = JSON.stringify([{ type: 'file', path: name, size: model.length }]);
      socket.end(`HTTP/1.1 ${answer}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    });
    const chosen = { ...options({ proxy: address }), endpoint: 'https://hub.example' };
    await expect(fetchModel('owner/repo', { hub: chosen })).rejects.toMatchObject(refusal('NETWORK', message));
    expect(through).toEqual(['hub.example:443']);
  });

  test('that is not there is named, without its password', async () => {
    const error = await fetchModel('owner/repo', { hub: options({ proxy: 'http://user:word@127.0.0.1:1' }) }).catch(
      (cause: unknown) => cause,
    );
    expect(error).toMatchObject(refusal('NETWORK', /could not be reached through the proxy 127\.0\.0\.1:1/));
    expect(String(error)).not.toContain('word');
  });

  test('that is no address is said to be none', async () => {
    await expect(fetchModel('owner/repo', { hub: options({ proxy: 'socks5://127.0.0.1:1' }) })).rejects.toMatchObject(
      refusal('NETWORK', /no http:\/\/ or https:\/\/ address/),
    );
  });
});

describe('room on the disk', () => {
  test('is looked for before anything is fetched', async () => {
    await expect(fetchModel('owner/repo', { space: async () => 1000 })).rejects.toMatchObject(
      refusal('DISK_FULL', /tiny-q4_k_m\.gguf needs 1\.5 MB in .*, and 1\.0 kB are free/),
    );
    expect(asked()).toEqual([]);
  });

  test('counts what is there already', async () => {
    hub.next(url, { kind: 'die', after: half }, { kind: 'status', status: 404 });
    await expect(fetchModel()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    const enough = model.length - statSync(`${file()}.part`).size + (64 << 20);
    await expect(fetchModel('owner/repo', { space: async () => enough - 1 })).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(await fetchModel('owner/repo', { space: async () => enough })).toMatchObject({ fetched: true });
  });
});

describe('another process', () => {
  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) {
      child.kill('SIGKILL');
    }
  });

  /** Fetches the model, and says how far it is. */
  async function start(): Promise<ChildProcess> {
    const program = `
      import { fetchHubModel } from './language-server/models/hub/fetch-hub-model';
      import { hubOptions } from './language-server/models/hub/options';
      import { parseReference } from './language-server/models/hub/reference';
      const hub = hubOptions({ endpoint: process.argv[2] });
      fetchHubModel(parseReference('owner/repo', hub.endpoint), {
        hub,
        folder: process.argv[3],
        signal: new AbortController().signal,
        onStep: () => {},
        onProgress: ({ doneBytes }) => process.send(doneBytes),
      }).then(() => process.exit(0), (error) => { process.send(error.code); process.exit(1); });
    `;
    const bundle = path.join(path.dirname(folder), 'child.cjs');
    await build({
      stdin: { contents: program, resolveDir: path.resolve(import.meta.dirname, '../..'), loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      mainFields: ['module', 'main'],
      outfile: bundle,
      logLevel: 'error',
    });
    const child = spawn(process.execPath, [bundle, hub.endpoint, folder], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    return child;
  }

  const message = (child: ChildProcess) => new Promise<unknown>((resolve) => child.once('message', resolve));
  const ended = (child: ChildProcess) => new Promise<void>((resolve) => child.once('exit', () => resolve()));

  test('that is killed half-way leaves what the next one goes on with', async () => {
    hub.next(url, { kind: 'stall', after: half });
    const child = await start();
    let done = 0;
    while (done < half) {
      done = Number(await message(child));
    }
    child.kill('SIGKILL');
    await ended(child);
    expect(statSync(`${file()}.part`).size).toBe(half);
    await fetchModel();
    expect(asked()).toEqual([undefined, `bytes=${half}-`]);
    expect(holds(file(), model)).toBe(true);
    expect(filesOfFolder()).toEqual([`owner/repo/${name}`, `owner/repo/${path.basename(recordFile(file()))}`]);
  });

  test('that is at it keeps this one out', async () => {
    hub.next(url, { kind: 'stall', after: half });
    const child = await start();
    await message(child);
    await expect(fetchModel()).rejects.toMatchObject(
      refusal('BUSY', new RegExp(`^Another process \\(${child.pid}\\) is downloading a model`)),
    );
  });
});

describe('the header of a model that is elsewhere', () => {
  test('is read by a range of its first bytes', async () => {
    const attempts = { hub: options(), signal: new AbortController().signal };
    const header = await readRemoteHeader(new URL(hub.endpoint + url), name, attempts);
    expect(header).toMatchObject({ architecture: 'qwen2', layers: 2, kvBytesPerToken: 2 * 2 * 2 * 64 });
    expect(asked()).toEqual(['bytes=0-262143']);
  });

  test('is read from a server that knows no ranges as well', async () => {
    hub.always(url, { kind: 'ignore-range' });
    const attempts = { hub: options(), signal: new AbortController().signal };
    expect(await readRemoteHeader(new URL(hub.endpoint + url), name, attempts)).toMatchObject({ layers: 2 });
  });
});
