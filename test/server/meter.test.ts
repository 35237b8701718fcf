/** The meter: measured when idle or when asked, ended at once by a request, absent until measured. */

import { afterEach, describe, expect, test } from 'vitest';
import { startServer, stopServers } from './tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const text = `${'const some = "text";\n'.repeat(8)}x = `;
const place = [8, 4] as const;
const answers = [{ when: '', text: 'first(1);\n' }];
const speed = { fasaMsPerToken: 2, denseMsPerToken: 5, speedup: 2.5 };

describe('fasa/measure', () => {
  test('answers with a status that now has speed and fidelity', async () => {
    const client = await startServer({ engine: { answers, fasaFromTokens: 10_000, idleMs: 60_000 } });
    await client.open(uri, text);
    await client.untilState('ready');
    await client.complete(uri, ...place);
    expect(await client.connection.sendRequest('fasa/getStatus')).not.toHaveProperty('speed');
    const before = Date.now();
    const status = await client.connection.sendRequest('fasa/measure');
    expect(status).toMatchObject({ speed, fidelity: { samples: 4, agreement: 0.75 } });
    const { speed: own, fidelity } = status as { speed: Record<string, number>; fidelity: Record<string, number> };
    expect(fidelity['meanKl']).toBeCloseTo(0.01, 9);
    expect(own['atTokens']).toBeGreaterThan(text.length);
    expect(Date.parse(String(own['measuredAt']))).toBeGreaterThanOrEqual(before - 1);
    // samples add up
    expect(await client.connection.sendRequest('fasa/measure')).toMatchObject({ fidelity: { samples: 8 } });
    await client.until('a notification', () => client.status?.fidelity?.samples === 8);
  });

  test('says for an empty cache that there is nothing to measure, and what to do', async () => {
    const client = await startServer({ engine: { answers, fasaFromTokens: 0 } });
    await client.untilState('ready');
    await expect(client.connection.sendRequest('fasa/measure')).rejects.toMatchObject({
      data: { code: 'TOO_FEW_TOKENS', remedy: expect.stringContaining('completion') as string },
    });
    expect(client.status).not.toHaveProperty('speed');
  });

  test('is refused while paused', async () => {
    const client = await startServer({ engine: { answers, fasaFromTokens: 0 } });
    await client.untilState('ready');
    await client.connection.sendRequest('fasa/pause');
    await expect(client.connection.sendRequest('fasa/measure')).rejects.toMatchObject({ data: { code: 'PAUSED' } });
  });

  test('forgets the figures of an engine that is gone', async () => {
    const client = await startServer({ engine: { answers, fasaFromTokens: 0, idleMs: 60_000 } });
    await client.open(uri, text);
    await client.untilState('ready');
    await client.complete(uri, ...place);
    await client.connection.sendRequest('fasa/measure');
    await client.connection.sendRequest('fasa/unload');
    expect(await client.connection.sendRequest('fasa/getStatus')).not.toHaveProperty('speed');
    await client.connection.sendRequest('fasa/resume');
    await client.untilState('ready');
    expect(await client.connection.sendRequest('fasa/getStatus')).not.toHaveProperty('fidelity');
  });
});

describe('idle time', () => {
  test('measures once after a request', async () => {
    const client = await startServer({ engine: { answers, fasaFromTokens: 100, idleMs: 100 } });
    await client.open(uri, text);
    await client.untilState('ready');
    await client.complete(uri, ...place);
    await client.until('figures', () => client.status?.speed !== undefined);
    expect(client.status).toMatchObject({ speed, fidelity: { samples: 4 } });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.events.filter((event) => event === 'measured')).toHaveLength(1);
  });

  test.each([
    ['with fewer tokens than FASA is used from', { fasaFromTokens: 4000 }],
    ['without a calibration', {}],
  ])('%s measures nothing', async (_, engine) => {
    const client = await startServer({ engine: { answers, idleMs: 50, ...engine } });
    await client.open(uri, text);
    await client.untilState('ready');
    await client.complete(uri, ...place);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(client.events.filter((event) => event.startsWith('measure'))).toEqual([]);
    expect(client.status).not.toHaveProperty('speed');
  });

  test('stops measuring at once for a request, without figures', async () => {
    const client = await startServer({ engine: { answers, fasaFromTokens: 0, idleMs: 50, measureMs: 20_000 } });
    await client.open(uri, text);
    await client.untilState('ready');
    await client.complete(uri, ...place);
    await client.until('measuring', () => client.events.includes('measure inline'));
    const began = performance.now();
    await client.open('file:///project/other.ts', text);
    expect(await client.completionText('file:///project/other.ts', ...place)).toBe('first(1);');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(client.events).toContain('cancelled in measure');
    expect(client.events).not.toContain('measured');
    expect(client.status).not.toHaveProperty('speed');
  });

  test('stops measuring when paused', async () => {
    const client = await startServer({ engine: { answers, fasaFromTokens: 0, idleMs: 50, measureMs: 20_000 } });
    await client.open(uri, text);
    await client.untilState('ready');
    await client.complete(uri, ...place);
    await client.until('measuring', () => client.events.includes('measure inline'));
    await client.connection.sendRequest('fasa/pause');
    await client.until('the end of it', () => client.events.includes('cancelled in measure'));
  });
});
