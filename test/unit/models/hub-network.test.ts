/** Where downloads come from and go to: tokens, addresses, proxies, the disk, other processes, headers before a download. */

import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { build } from 'esbuild';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hubOptions } from '../../../language-server/models/hub/options';
import { readRemoteHeader } from '../../../language-server/models/hub/remote-header';
import { recordFile } from '../../../language-server/models/verified';
import { half, holds, model, name, refusal, url, useHub } from './hub-fixture';
import { startHub } from './hub-server';

const the = useHub();

describe('a token', () => {
  const token = 'hf_secret_of_mine';

  test('goes to the hub alone, and not where it redirects to', async () => {
    const content = await startHub();
    content.put('signed/file', model);
    the.hub.always(url, {
      kind: 'redirect',
      to: `${content.endpoint.replace('127.0.0.1', 'localhost')}/signed/file?X-Signature=secret`,
      headers: { 'x-linked-size': model.length },
    });
    try {
      await the.fetchModel('owner/repo', { hub: the.options({ token }) });
      expect(the.hub.seen.map(({ authorization }) => authorization)).toEqual(Array(2).fill(`Bearer ${token}`));
      expect(content.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
    } finally {
      await content.close();
    }
  });

  test('is wanted where a model is gated, and is in no message', async () => {
    the.hub.always(url, { kind: 'status', status: 401 });
    await expect(the.fetchModel()).rejects.toMatchObject({
      ...refusal('DOWNLOAD_FAILED', /refuses access to tiny-q4_k_m\.gguf \(HTTP 401\)/),
      remedy: expect.stringContaining('HF_TOKEN') as string,
    });
    the.hub.always(url, { kind: 'status', status: 403 });
    const error = await the.fetchModel('owner/repo', { hub: the.options({ token }) }).catch((cause: unknown) => cause);
    expect(String(error)).toContain('with this token (HTTP 403)');
    expect(JSON.stringify(error) + String(error) + the.steps.join()).not.toContain(token);
  });

  test('is in no message of a signed address', async () => {
    the.hub.always(url, { kind: 'redirect', to: `${the.hub.endpoint}/gone?X-Signature=secret` });
    const error = await the.fetchModel().catch((cause: unknown) => cause);
    expect(String(error)).toContain('/gone');
    expect(String(error)).not.toContain('secret');
  });
});

describe('an address', () => {
  test('that redirects in a circle is given up', async () => {
    the.hub.always(url, { kind: 'redirect', to: the.hub.endpoint + url });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /redirects more than 8 times/));
  });

  test('that redirects to no address is refused', async () => {
    the.hub.always(url, { kind: 'redirect', to: 'file:///etc/passwd' });
    await expect(the.fetchModel()).rejects.toMatchObject(refusal('DOWNLOAD_FAILED', /redirects to what is no address/));
  });

  test('that is not encrypted is not asked', async () => {
    await expect(the.fetchModel('http://models.example/a.gguf')).rejects.toMatchObject(
      refusal('DOWNLOAD_FAILED', /models\.example\/a\.gguf is not encrypted/),
    );
  });

  test('of a mirror that is none is said to be none', () => {
    for (const endpoint of ['mirror', 'ftp://mirror.example', 'https://']) {
      expect(() => hubOptions({}, { HF_ENDPOINT: endpoint })).toThrow(/address of the hub/);
    }
  });

  test('of a mirror stands for the hub', async () => {
    const mirror = hubOptions({}, { HF_ENDPOINT: `${the.hub.endpoint}/`, HF_TOKEN: ' hf_x ' }, the.timing);
    expect(mirror).toMatchObject({ endpoint: the.hub.endpoint, token: 'hf_x' });
    expect((await the.fetchModel('owner/repo', { hub: mirror })).fetched).toBe(true);
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
    await the.fetchModel('owner/repo', { hub: the.options({ proxy: address }) });
    expect(through).toHaveLength(2);
    expect(through[1]).toBe(`${the.hub.endpoint}${url} Basic ${Buffer.from('user:word').toString('base64')}`);
  });

  test('of the environment is used, but not for what it leaves out', async () => {
    process.env['http_proxy'] = address;
    await the.fetchModel();
    expect(through).toHaveLength(2);
    rmSync(the.folder, { recursive: true });
    process.env['no_proxy'] = '127.0.0.1';
    await the.fetchModel();
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
    const chosen = { ...the.options({ proxy: address }), endpoint: 'https://hub.example' };
    await expect(the.fetchModel('owner/repo', { hub: chosen })).rejects.toMatchObject(refusal('NETWORK', message));
    expect(through).toEqual(['hub.example:443']);
  });

  test('that is not there is named, without its password', async () => {
    const error = await the
      .fetchModel('owner/repo', { hub: the.options({ proxy: 'http://user:word@127.0.0.1:1' }) })
      .catch((cause: unknown) => cause);
    expect(error).toMatchObject(refusal('NETWORK', /could not be reached through the proxy 127\.0\.0\.1:1/));
    expect(String(error)).not.toContain('word');
  });

  test('that is no address is said to be none', async () => {
    await expect(
      the.fetchModel('owner/repo', { hub: the.options({ proxy: 'socks5://127.0.0.1:1' }) }),
    ).rejects.toMatchObject(refusal('NETWORK', /no http:\/\/ or https:\/\/ address/));
  });
});

describe('room on the disk', () => {
  test('is looked for before anything is fetched', async () => {
    await expect(the.fetchModel('owner/repo', { space: async () => 1000 })).rejects.toMatchObject(
      refusal('DISK_FULL', /tiny-q4_k_m\.gguf needs 1\.5 MB in .*, and 1\.0 kB are free/),
    );
    expect(the.asked()).toEqual([]);
  });

  test('counts what is there already', async () => {
    the.hub.next(url, { kind: 'die', after: half }, { kind: 'status', status: 404 });
    await expect(the.fetchModel()).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED' });
    const enough = model.length - statSync(`${the.file()}.part`).size + (64 << 20);
    await expect(the.fetchModel('owner/repo', { space: async () => enough - 1 })).rejects.toMatchObject({
      code: 'DISK_FULL',
    });
    expect(await the.fetchModel('owner/repo', { space: async () => enough })).toMatchObject({ fetched: true });
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
    const bundle = path.join(path.dirname(the.folder), 'child.cjs');
    await build({
      stdin: { contents: program, resolveDir: path.resolve(import.meta.dirname, '../../..'), loader: 'ts' },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      mainFields: ['module', 'main'],
      outfile: bundle,
      logLevel: 'error',
    });
    const child = spawn(process.execPath, [bundle, the.hub.endpoint, the.folder], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    children.push(child);
    return child;
  }

  const message = (child: ChildProcess) => new Promise<unknown>((resolve) => child.once('message', resolve));
  const ended = (child: ChildProcess) => new Promise<void>((resolve) => child.once('exit', () => resolve()));

  test('that is killed half-way leaves what the next one goes on with', async () => {
    the.hub.next(url, { kind: 'stall', after: half });
    const child = await start();
    let done = 0;
    while (done < half) {
      done = Number(await message(child));
    }
    child.kill('SIGKILL');
    await ended(child);
    expect(statSync(`${the.file()}.part`).size).toBe(half);
    await the.fetchModel();
    expect(the.asked()).toEqual([undefined, `bytes=${half}-`]);
    expect(holds(the.file(), model)).toBe(true);
    expect(the.filesOfFolder()).toEqual([`owner/repo/${name}`, `owner/repo/${path.basename(recordFile(the.file()))}`]);
  });

  test('that is at it keeps this one out', async () => {
    the.hub.next(url, { kind: 'stall', after: half });
    const child = await start();
    await message(child);
    await expect(the.fetchModel()).rejects.toMatchObject(
      refusal('BUSY', new RegExp(`^Another process \\(${child.pid}\\) is downloading a model`)),
    );
  });
});

describe('the header of a model that is elsewhere', () => {
  test('is read by a range of its first bytes', async () => {
    const attempts = { hub: the.options(), signal: new AbortController().signal };
    const header = await readRemoteHeader(new URL(the.hub.endpoint + url), name, attempts);
    expect(header).toMatchObject({ architecture: 'qwen2', layers: 2, kvBytesPerToken: 2 * 2 * 2 * 64 });
    expect(the.asked()).toEqual(['bytes=0-262143']);
  });

  test('is read from a server that knows no ranges as well', async () => {
    the.hub.always(url, { kind: 'ignore-range' });
    const attempts = { hub: the.options(), signal: new AbortController().signal };
    expect(await readRemoteHeader(new URL(the.hub.endpoint + url), name, attempts)).toMatchObject({ layers: 2 });
  });
});
