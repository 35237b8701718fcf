/** A model without a calibration: calibrated once on the open folders, behind everything, and dense until then. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startServer, stopServers } from './tools/client';

afterEach(stopServers);

const uri = 'file:///project/demo.ts';
const text = 'const some = "text";\nx = ';
const answers = [{ when: '', text: 'first(1);\n' }];
const folders: string[] = [];

/** One token is one byte here. */
function folder(bytes: number): string {
  const root = mkdtempSync(path.join(os.tmpdir(), 'fasa-calibration-'));
  folders.push(root);
  const line = 'export const value = compute(1, 2, 3);\n';
  writeFileSync(path.join(root, 'source.ts'), line.repeat(Math.ceil(bytes / line.length)));
  return root;
}

let large: string;
let small: string;
beforeAll(() => {
  large = folder(12_000);
  small = folder(2000);
});
afterAll(() => {
  for (const root of folders) {
    rmSync(root, { recursive: true, force: true });
  }
});

describe('a model without a calibration', () => {
  test('is calibrated in idle time and then loaded again', async () => {
    const engine = { answers, calibration: { documentMs: 60 }, idleMs: 20 };
    const client = await startServer({ engine, folders: [large] });
    await client.untilState('ready');
    expect(client.status?.attention).toMatchObject({ mode: 'auto', calibrated: false });
    await client.until('a share', () => (client.status?.attention?.calibrating ?? 0) > 0);
    await client.until('a calibration', () => client.status?.attention?.calibrated === true);
    expect(client.status?.attention).not.toHaveProperty('calibrating');
    expect(client.events.filter((event) => event.startsWith('loaded'))).toHaveLength(2);
    expect(client.events.filter((event) => event.startsWith('calibrates'))).toHaveLength(6);
  });

  test('answers requests while it is calibrated', async () => {
    const engine = { answers, calibration: { documentMs: 300 }, idleMs: 20 };
    const client = await startServer({ engine, folders: [large] });
    await client.untilState('ready');
    await client.open(uri, text);
    await client.until('a share', () => client.status?.attention?.calibrating !== undefined);
    const asked = performance.now();
    expect(await client.completionText(uri, 1, 4)).toContain('first(1)');
    expect(performance.now() - asked).toBeLessThan(1500);
    expect(client.status?.attention?.calibrated).toBe(false);
    await client.until('a calibration', () => client.status?.attention?.calibrated === true);
  });

  test('stays dense with too little text', async () => {
    const engine = { answers, calibration: { documentMs: 10 }, idleMs: 20 };
    const client = await startServer({ engine, folders: [small] });
    await client.until('a line in the log', () => client.logs.some((line) => line.includes('4096 are needed')));
    const status = await client.connection.sendRequest('fasa/getStatus');
    expect(status).toMatchObject({ attention: { calibrated: false } });
    expect(client.events.filter((event) => event.startsWith('calibrates'))).toEqual([]);
  });

  test('stops calibrating while paused and resumes after the completed documents', async () => {
    const engine = { answers, calibration: { documentMs: 100 }, idleMs: 20 };
    const client = await startServer({ engine, folders: [large] });
    await client.until('the second document', () => client.events.includes('calibrates 2 of 6'));
    await client.connection.sendRequest('fasa/pause');
    await client.until('an end', () => client.status?.attention?.calibrating === undefined);
    await client.connection.sendRequest('fasa/resume');
    await client.until('a calibration', () => client.status?.attention?.calibrated === true);
    expect(client.events.filter((event) => event === 'calibrates 1 of 6')).toHaveLength(1);
  });

  test('is calibrated only once when that fails', async () => {
    const engine = { answers, calibration: { documentMs: 10, fails: true }, idleMs: 20 };
    const client = await startServer({ engine, folders: [large] });
    await client.until('a warning', () => client.logs.some((line) => line.includes('OUT_OF_MEMORY')));
    await client.open(uri, text);
    await client.completionText(uri, 1, 4);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(client.events.filter((event) => event.startsWith('calibrates'))).toHaveLength(1);
  });

  test('is not calibrated from files when the repository is disabled', async () => {
    const engine = { answers, calibration: { documentMs: 10 }, idleMs: 20 };
    const initializationOptions = { repository: { enabled: false } };
    const client = await startServer({ engine, folders: [large], initializationOptions });
    await client.untilState('ready');
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(client.events.filter((event) => event.startsWith('calibrates'))).toEqual([]);
  });
});
