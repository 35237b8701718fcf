/** Requests for models over pipes: lists, a hub on this machine, downloads that are paused, killed and gone on with. */

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CancellationTokenSource, LSPErrorCodes } from 'vscode-languageserver/node';
import {
  checkModelRequest,
  type FetchModelResult,
  fetchModelRequest,
  type ListedModel,
  listModelsRequest,
  lookAtModelRequest,
  type ModelList,
  pauseDownloadRequest,
  type RemoteModel,
  type RemoveModelResult,
  recommendModelsRequest,
  removeModelRequest,
} from '../../language-server/protocol/models';
import { getStatusRequest } from '../../language-server/protocol/server';
import { saveTinyModel } from '../native/tools/tiny-model';
import { startHub, type TestHub } from '../unit/models/hub-server';
import { type Client, startServer, stopServers } from './tools/client';

const name = 'tiny-1B-q8_0.gguf';
const url = `/owner/repo/resolve/main/${name}`;
/** Slow enough to be paused on the way. */
const slow = { kind: 'drip', bytes: 16_384, ms: 25 } as const;
const fast = { kind: 'drip', bytes: 1 << 20, ms: 0 } as const;

let folder = '';
let cache = '';
let model = '';
let file = '';
let bytes: Buffer;
let hub: TestHub;

beforeEach(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa models ü-'));
  cache = path.join(folder, 'cache');
  model = saveTinyModel(path.join(folder), 'tiny', { architecture: 'llama', seed: 1 });
  bytes = readFileSync(model);
  file = path.join(cache, 'models', 'owner', 'repo', name);
  hub = await startHub();
  hub.put(`owner/repo/${name}`, bytes);
});

afterEach(async () => {
  await stopServers();
  await hub.close();
  rmSync(folder, { recursive: true, force: true });
});

/** No store of this machine is looked at, and all servers share a cache folder, as windows do. */
function start(settings: object = {}, environment: Readonly<Record<string, string>> = {}): Promise<Client> {
  return startServer({
    initializationOptions: { models: { mirror: hub.endpoint, ...settings } },
    environment: {
      FASA_CACHE_DIR: cache,
      HOME: folder,
      USERPROFILE: folder,
      LOCALAPPDATA: folder,
      XDG_CACHE_HOME: folder,
      HF_HOME: folder,
      OLLAMA_MODELS: path.join(folder, 'none'),
      ...environment,
    },
  });
}

const list = (client: Client): Promise<ModelList> => client.connection.sendRequest(listModelsRequest);
const fetchModel = (client: Client, what = 'owner/repo'): Promise<FetchModelResult> =>
  client.connection.sendRequest(fetchModelRequest, { model: what });
const whileDownloading = (client: Client) =>
  client.until('some bytes', () => (client.status?.download?.doneBytes ?? 0) > 0);
const rejection = (code: string, message: RegExp) => ({
  data: { code, message: expect.stringMatching(message) as string },
});

describe('a list', () => {
  test('has the files of a folder of the user, with what each is, and the catalogue', async () => {
    const own = path.join(folder, 'own models');
    mkdirSync(own);
    copyFileSync(model, path.join(own, 'mine.gguf'));
    writeFileSync(path.join(own, 'half.gguf'), 'GGUF');
    const client = await start({ folders: [own] });
    const { models, folder: at, isDownloadedElsewhere, fromEnvironment } = await list(client);
    expect(models.filter(({ store }) => store !== undefined)).toMatchObject([
      { storeName: 'half.gguf', store: 'folder', support: { supported: false } },
      {
        id: path.join(own, 'mine.gguf'),
        support: { supported: true },
        fit: { kind: 'fits' },
        best: true,
        removable: false,
      },
    ]);
    expect(models.map(({ id }) => id)).toContain('qwen2.5-coder-1.5b');
    expect({ at, isDownloadedElsewhere }).toEqual({ at: path.join(cache, 'models'), isDownloadedElsewhere: false });
    expect(fromEnvironment).toMatch(/package\.json$/);
  });

  test('tells of one file what it would say of it', async () => {
    const client = await start();
    const check = (one: string): Promise<ListedModel> =>
      client.connection.sendRequest(checkModelRequest, { file: one });
    expect(await check(model)).toMatchObject({ id: model, support: { supported: true }, fit: { kind: 'fits' } });
    const page = path.join(folder, 'page.gguf');
    writeFileSync(page, '<!doctype html><html></html>');
    expect(await check(page)).toMatchObject({ name: 'page.gguf', support: { supported: false } });
    expect(await check(path.join(folder, 'none.gguf'))).toMatchObject({
      support: { supported: false, reason: 'is gone' },
    });
  });
});

describe('the catalogue', () => {
  test('has sizes and fit once the hub was asked, the best one marked', async () => {
    hub.put('Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf', bytes);
    const client = await start();
    const models: readonly ListedModel[] = await client.connection.sendRequest(recommendModelsRequest);
    expect(models.find(({ id }) => id === 'qwen2.5-coder-1.5b')).toMatchObject({
      bytes: bytes.length,
      fit: { kind: 'fits' },
      best: true,
    });
    expect(models.filter(({ best }) => best)).toHaveLength(1);
    expect(models.find(({ id }) => id === 'mellum-4b')).not.toHaveProperty('fit');
    expect(existsSync(path.join(cache, 'models', 'Qwen'))).toBe(false);
  });

  test('says why the hub tells nothing', async () => {
    const client = await start();
    await expect(client.connection.sendRequest(recommendModelsRequest)).rejects.toMatchObject(
      rejection('DOWNLOAD_FAILED', /./),
    );
  });
});

describe('a model of the hub', () => {
  test('is looked at, and nothing is fetched', async () => {
    const client = await start();
    const look: Promise<RemoteModel> = client.connection.sendRequest(lookAtModelRequest, { model: ' owner/repo ' });
    expect(await look).toMatchObject({
      repository: 'owner/repo',
      bytes: bytes.length,
      architecture: 'llama',
      support: { supported: true },
      fit: { kind: 'fits' },
      choices: [{ path: name, bytes: bytes.length }],
    });
    expect(existsSync(file)).toBe(false);
  });

  test('is fetched while the status tells how it goes, listed, and removed', async () => {
    hub.always(url, slow);
    const client = await start();
    const result = await fetchModel(client);
    expect(result).toMatchObject({ file, fetched: true });
    expect(readFileSync(file).equals(bytes)).toBe(true);
    const told = client.statuses.flatMap(({ status }) => status.download ?? []);
    expect(told.some(({ doneBytes = 0, totalBytes }) => doneBytes > 0 && totalBytes === bytes.length)).toBe(true);
    expect(told.at(-1)).toMatchObject({ model: 'owner/repo', name: 'owner/repo', file });
    await client.until('the end in the status', () => client.status?.download === undefined);
    expect(await fetchModel(client)).toEqual({ ...result, fetched: false });
    const { models } = await list(client);
    expect(models[0]).toMatchObject({ id: file, name: result.name, store: 'own', removable: true });
    const removed: RemoveModelResult = await client.connection.sendRequest(removeModelRequest, { file });
    expect(removed).toEqual({ removed: [file] });
    expect(existsSync(file)).toBe(false);
  });

  test('is paused by whoever cancels the request', async () => {
    hub.always(url, slow);
    const client = await start();
    const source = new CancellationTokenSource();
    const asked = client.connection.sendRequest(fetchModelRequest, { model: 'owner/repo' }, source.token);
    const refused = expect(asked).rejects.toMatchObject({ code: LSPErrorCodes.RequestCancelled });
    await whileDownloading(client);
    source.cancel();
    await refused;
    expect(statSync(`${file}.part`).size).toBeGreaterThan(0);
    expect(await client.connection.sendRequest(getStatusRequest)).not.toHaveProperty('download');
  });

  test('is paused by a request, and goes on where it was', async () => {
    hub.always(url, slow);
    const client = await start();
    const first = fetchModel(client);
    const refused = expect(first).rejects.toMatchObject(rejection('CANCELLED', /cancelled/));
    await whileDownloading(client);
    // a second one that asks for it waits for the same download, another model is refused
    const second = fetchModel(client).catch((error: unknown) => error);
    await expect(fetchModel(client, 'owner/other')).rejects.toMatchObject(rejection('BUSY', /owner\/repo is being/));
    await expect(client.connection.sendRequest(removeModelRequest, { file })).rejects.toMatchObject(
      rejection('BUSY', /owner\/repo is being downloaded/),
    );
    await client.connection.sendRequest(pauseDownloadRequest);
    await refused;
    await expect(second).resolves.toMatchObject({ data: { code: 'CANCELLED' } });
    const begunBytes = statSync(`${file}.part`).size;
    expect(begunBytes).toBeGreaterThan(0);
    const begun = (await list(client)).models.find((one) => one.begunBytes !== undefined);
    expect(begun).toMatchObject({ id: `owner/repo:${name}`, file, begunBytes, removable: true });
    hub.always(url, fast);
    expect(await fetchModel(client, begun?.id)).toMatchObject({ file, fetched: true });
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(hub.seen.at(-1)?.range).toBe(`bytes=${begunBytes}-`);
  });

  test('goes on where it was after the server was killed', async () => {
    hub.always(url, slow);
    const killed = await start();
    const lost = fetchModel(killed).catch(() => 'lost');
    await whileDownloading(killed);
    killed.child.kill('SIGKILL');
    killed.connection.dispose();
    await killed.exited;
    const begunBytes = statSync(`${file}.part`).size;
    hub.always(url, fast);
    const client = await start();
    expect(await list(client)).toMatchObject({ isDownloadedElsewhere: false });
    expect(await fetchModel(client)).toMatchObject({ file, fetched: true });
    expect(readFileSync(file).equals(bytes)).toBe(true);
    expect(hub.seen.at(-1)?.range).toBe(`bytes=${begunBytes}-`);
    await Promise.race([lost, undefined]);
  });

  test('is downloaded by one window at a time, and the other one knows', async () => {
    hub.always(url, slow);
    const [one, other] = await Promise.all([start(), start()]);
    const download = fetchModel(one);
    await whileDownloading(one);
    expect(await list(other)).toMatchObject({ isDownloadedElsewhere: true });
    expect(await list(one)).toMatchObject({ isDownloadedElsewhere: false });
    await expect(fetchModel(other)).rejects.toMatchObject(
      rejection('BUSY', /Another process.* is downloading a model/),
    );
    hub.always(url, fast);
    expect(await download).toMatchObject({ fetched: true });
    expect(await fetchModel(other)).toMatchObject({ file, fetched: false });
  });

  test('is loaded at once where no model was', async () => {
    const client = await start({}, { FASA_MODEL: file });
    await client.untilState('off');
    await fetchModel(client);
    await client.untilState('ready');
    expect((await list(client)).loaded).toBe(file);
    expect(await client.connection.sendRequest(getStatusRequest)).not.toHaveProperty('problem');
  });

  test('that cannot be used is refused before it is fetched', async () => {
    const bert = saveTinyModel(folder, 'odd', { architecture: 'llama', seed: 2 });
    const odd = Buffer.from(readFileSync(bert));
    odd.write('lxama', odd.indexOf('llama'));
    hub.put('owner/odd/odd-q8_0.gguf', odd);
    const client = await start();
    await expect(fetchModel(client, 'owner/odd')).rejects.toMatchObject(
      rejection('UNSUPPORTED_MODEL', /architecture.*so it is not fetched/),
    );
    expect(existsSync(path.join(cache, 'models', 'owner', 'odd'))).toBe(false);
  });
});

test.each([
  ['nothing', fetchModelRequest, {}, { code: -32602, message: 'model must be a string of at most 1000 characters.' }],
  ['a number', removeModelRequest, { file: 1 }, { code: -32602 }],
  ['no name', fetchModelRequest, { model: 'what is this' }, rejection('USAGE', /"what is this" names no model/)],
  ['a way up', fetchModelRequest, { model: '../..' }, rejection('USAGE', /names no model/)],
  ['a file of others', removeModelRequest, { file: '/etc/passwd' }, rejection('USAGE', /is no model of the folder/)],
  ['an address', lookAtModelRequest, { model: 'https://host.test/a.gguf' }, rejection('USAGE', /is an address/)],
  ['a missing repository', fetchModelRequest, { model: 'owner/none' }, rejection('DOWNLOAD_FAILED', /owner\/none/)],
])('%s is refused with a sentence', async (_what, request, params, error) => {
  const client = await start();
  await expect(client.connection.sendRequest(request, params)).rejects.toMatchObject(error);
  expect((await list(client)).models.length).toBeGreaterThan(0);
});

test('a mirror that is no address is said when it is used', async () => {
  const client = await start({ mirror: 'nowhere' });
  await expect(fetchModel(client)).rejects.toMatchObject(
    rejection('DOWNLOAD_FAILED', /The address of the hub, nowhere/),
  );
});
