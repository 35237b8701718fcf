/** What stays of many questions in the server's heap, measured behind a full garbage collection. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AskResult } from '../../../language-server/protocol/server';
import { type Client, startServer, stopServers } from '../tools/client';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-memory-'));
  writeFileSync(path.join(folder, 'parser.ts'), 'export function parse() { return 1; }\n'.repeat(40));
  // on SIGUSR2 the server collects its garbage and writes how much is in use
  writeFileSync(
    path.join(folder, 'report.cjs'),
    `process.on('SIGUSR2', () => { globalThis.gc(); globalThis.gc(); require('node:fs').writeFileSync(${JSON.stringify(path.join(folder, 'heap.txt'))}, String(process.memoryUsage().heapUsed)); });`,
  );
});

afterEach(async () => {
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

async function heapOf(client: Client): Promise<number> {
  const file = path.join(folder, 'heap.txt');
  rmSync(file, { force: true });
  client.child.kill('SIGUSR2');
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    try {
      const text = readFileSync(file, 'utf8');
      if (text !== '') {
        return Number(text);
      }
    } catch {
      // not written yet
    }
  }
}

test.skipIf(process.platform === 'win32')(
  'two hundred questions leave nothing behind but their conversation',
  { timeout: 120_000 },
  async () => {
    const client = await startServer({
      engine: { answers: [{ when: '', text: 'A paragraph with **bold** words and `code`.\n'.repeat(5) }] },
      folders: [folder],
      environment: { NODE_OPTIONS: `--expose-gc --require=${path.join(folder, 'report.cjs')}` },
    });
    let asked = 0;
    const ask = async (count: number) => {
      for (let i = 0; i < count; i++) {
        const params = { conversation: `c${asked % 8}`, question: `What is ${asked++} in parser.ts?`, references: [] };
        await client.connection.sendRequest<AskResult>('fasa/ask', params);
      }
    };
    await ask(60);
    const before = await heapOf(client);
    await ask(200);
    const after = await heapOf(client);
    // a question and its answer are about 1 KB of text and tokens, of which a conversation keeps its latest turns
    process.stdout.write(`heap after 60 questions ${before}, after 260 ${after} bytes\n`);
    expect(after - before).toBeLessThan(1_000_000);
  },
);
