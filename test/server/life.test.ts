/** What the server says about itself: states, problems, settings, status notifications. */

import path from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Status } from '../../language-server/protocol/server';
import { spawnServer, startServer, stopServers } from './tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const answers = [{ when: '', text: 'first(1);\n' }];

describe('a client without workspace folders', () => {
  test('gets completions for the folder that its rootUri names', async () => {
    const client = await spawnServer({ engine: { answers } });
    await client.connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: 'file:///project',
      capabilities: {},
    });
    await client.connection.sendNotification('initialized', {});
    await client.untilState('ready');
    await client.open(uri, 'x = ');
    expect(await client.complete(uri, 0, 4)).toMatchObject({ items: [{ insertText: 'first(1);' }] });
  });
});

describe('the state', () => {
  test('goes from loading, with progress, to ready', async () => {
    const client = await startServer({ engine: { loadMs: 1500 } });
    await client.untilState('ready');
    const states = client.statuses.map(({ status }) => status.state);
    expect(states[0]).toBe('loading');
    const progress = client.statuses.flatMap(({ status }) => status.progress ?? []);
    expect(progress.length).toBeGreaterThan(1);
    expect(progress).toEqual(progress.toSorted((left, right) => left - right));
    expect(client.status).toMatchObject({ model: { name: 'Fake', fillInTheMiddle: false }, cache: { tokens: 0 } });
    expect(client.status?.cache).not.toHaveProperty('saved');
    expect(client.status).not.toHaveProperty('lastRequest');
  });

  test('is off without a model, with a remedy and empty completions', async () => {
    const client = await startServer({ model: '' });
    await client.untilState('off');
    expect(client.status?.problem?.code).toBe('MODEL_NOT_FOUND');
    expect(client.status?.problem?.remedy).toMatch(/[Dd]ownload/);
    await client.open(uri, 'x = ');
    expect(await client.complete(uri, 0, 4)).toEqual({ items: [] });
  });

  test('is error when the model does not load, and the server keeps running', async () => {
    const client = await startServer({ engine: { failLoad: { code: 'BAD_GGUF', message: 'It is truncated.' } } });
    await client.untilState('error');
    expect(client.status?.problem).toMatchObject({ code: 'BAD_GGUF', message: 'It is truncated.' });
    await client.open(uri, 'x = ');
    expect(await client.complete(uri, 0, 4)).toEqual({ items: [] });
    expect(await client.connection.sendRequest('fasa/getStatus')).toMatchObject({ state: 'error' });
  });

  test('is error when the model is a folder', async () => {
    const client = await startServer({ model: import.meta.dirname });
    await client.untilState('error');
    expect(client.status?.problem).toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('a folder') as string,
    });
  });

  test('is paused between pause and resume, with no completions', async () => {
    const client = await startServer({ engine: { answers } });
    await client.open(uri, 'x = ');
    await client.untilState('ready');
    await client.connection.sendRequest('fasa/pause');
    await client.untilState('paused');
    expect(await client.complete(uri, 0, 4)).toEqual({ items: [] });
    await client.connection.sendRequest('fasa/resume');
    expect(await client.completionText(uri, 0, 4)).toBe('first(1);');
    // and what is known from before is not offered either
    await client.connection.sendRequest('fasa/pause');
    expect(await client.complete(uri, 0, 4)).toEqual({ items: [] });
  });

  test('is off after unload, the engine is disposed, and resume loads again', async () => {
    const client = await startServer({ engine: { answers } });
    await client.untilState('ready');
    await client.connection.sendRequest('fasa/unload');
    await client.untilState('off');
    expect(client.events).toContain('disposed');
    expect(client.status?.problem?.code).toBe('UNLOADED');
    await client.connection.sendRequest('fasa/resume');
    await client.untilState('ready');
    expect(client.events.filter((event) => event.startsWith('loaded'))).toHaveLength(2);
  });
});

describe('settings', () => {
  test('reload the model only when they concern the engine', async () => {
    const client = await startServer({ engine: { answers } });
    await client.untilState('ready');
    const change = (settings: unknown) =>
      client.connection.sendNotification('workspace/didChangeConfiguration', { settings: { fasa: settings } });
    await change({ completion: { maxTokens: 8 } });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first(1)');
    expect(client.events.filter((event) => event.startsWith('loaded'))).toHaveLength(1);
    await change({ budget: 512 });
    await client.until(
      'the second model',
      () => client.events.filter((event) => event.startsWith('loaded')).length === 2,
    );
    await client.until('the budget', () => client.status?.attention?.budget === 512);
  });

  test('that change while the model loads end that load', async () => {
    const client = await startServer({ engine: { loadMs: 3000 } });
    await client.until('progress', () => (client.status?.progress ?? 0) > 0);
    await client.connection.sendNotification('workspace/didChangeConfiguration', {
      settings: { fasa: { budget: 99 } },
    });
    await client.untilEvent('load cancelled');
    await client.untilState('ready');
    expect(client.status?.attention?.budget).toBe(99);
  });

  test('that are wrong fall back to the default, with one line in the log each', async () => {
    const client = await startServer({
      engine: { answers },
      initializationOptions: { budget: 'many', completion: { maxTokens: -1, enabled: 'yes' } },
    });
    await client.open(uri, 'x = ');
    expect(await client.completionText(uri, 0, 4)).toBe('first(1);');
    for (const name of ['budget', 'completion.maxTokens', 'completion.enabled']) {
      expect(client.logs.filter((line) => line.includes(`Setting ${name} must be`))).toHaveLength(1);
    }
  });

  test('name the model, unless FASA_MODEL does', async () => {
    const chosen = path.join(import.meta.dirname, 'tools', 'client.ts');
    const bySetting = await startServer({ model: '', initializationOptions: { modelPath: chosen } });
    await bySetting.untilEvent(`loaded ${chosen}`);
    const byBoth = await startServer({ initializationOptions: { modelPath: chosen } });
    await byBoth.untilEvent('package.json');
  });
});

describe('status notifications', () => {
  test('come at most four times a second, and never without a change', async () => {
    const client = await startServer({ engine: { answers } });
    await client.untilState('ready');
    const begun = client.statuses.length;
    const start = performance.now();
    for (let round = 0; performance.now() - start < 1600; round++) {
      await client.open(`file:///project/${round}.ts`, 'x = ');
      await client.complete(`file:///project/${round}.ts`, 0, 4);
    }
    const most = (performance.now() - start) / 250 + 2;
    const busy = client.statuses.length - begun;
    expect(busy).toBeGreaterThan(2);
    expect(busy).toBeLessThanOrEqual(most);
    // the last of it may be on its way
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const settled = client.statuses.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(client.statuses).toHaveLength(settled);
  });

  test('contain the measured cache and last request', async () => {
    const client = await startServer({ engine: { answers, tokenMs: 5 } });
    await client.open(uri, 'x = ');
    await client.completionText(uri, 0, 4);
    await client.until(
      'the request',
      () => client.status?.lastRequest !== undefined && client.status.state === 'ready',
    );
    // BOS, the path line of 11 bytes, and `x =`: the space before the cursor is left to the model
    const { cache, lastRequest } = client.status as Status;
    expect(cache).toMatchObject({ tokens: 15, contextTokens: 4096, fullBytes: 15 * 1024, saved: 0.5 });
    expect(lastRequest).toMatchObject({ kind: 'inline', tokens: 10, reusedTokens: 0, fedTokens: 15 });
    expect(lastRequest?.tokensPerSecond).toBeGreaterThan(1);
    expect(lastRequest?.tokensPerSecond).toBeLessThan(250);
  });
});
