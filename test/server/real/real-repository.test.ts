/** The server as it ships, with the default model and a repository in q8_0: a chunk file that is cut under its feet. */

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resolveModel } from '../../../language-server/models/resolve-model';
import { type Client, startServer, stopServers } from '../tools/client';

let folder = '';
let client: Client;
const uri = () => pathToFileURL(path.join(folder, 'src', 'main.ts')).href;
const text = "import { areaOf } from './area';\n\nconst side = 3;\nconst area = areaOf(";

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-real-'));
  mkdirSync(path.join(folder, 'src'));
  const filler = Array.from({ length: 30 }, (_, i) => `export const side${i} = areaOf(${i});\n`).join('');
  writeFileSync(
    path.join(folder, 'src', 'area.ts'),
    `export function areaOf(side: number) {\n  return side * side;\n}\n`,
  );
  writeFileSync(path.join(folder, 'src', 'sides.ts'), `import { areaOf } from './area';\n${filler}`);
  // the bundle of this test has no calibrations beside it: they count as made on this machine
  const shipped = path.resolve(import.meta.dirname, '..', '..', '..', 'language-server', 'models', 'calibration');
  cpSync(shipped, path.join(folder, 'cache', 'calibration'), { recursive: true });
  client = await startServer({
    entry: 'language-server/main.ts',
    model: await resolveModel(''),
    folders: [folder],
    // a client that tells of files itself: nothing but a request looks at the chunks
    capabilities: { workspace: { workspaceFolders: true, didChangeWatchedFiles: { dynamicRegistration: true } } },
    environment: {
      FASA_ADDON: path.resolve(import.meta.dirname, '..', '..', '..', 'dist', 'native', 'addon.node'),
      FASA_CACHE_DIR: path.join(folder, 'cache'),
    },
    initializationOptions: {
      attention: 'fasa-m',
      completion: { timeBudgetMs: 120_000, maxTokens: 8 },
      repository: { precision: 'q8_0', pauseOnBattery: false, exclude: ['cache'] },
    },
  });
  await untilEncoded();
}, 120_000);

afterAll(async () => {
  await stopServers();
  rmSync(folder, { recursive: true, force: true });
});

function untilEncoded(): Promise<void> {
  return client.until('the repository to be encoded', () => {
    const repository = client.status?.repository;
    return repository !== undefined && repository.files === 2 && repository.filesEncoded === 2;
  });
}

function chunkFiles(): { readonly name: string; readonly bytes: number }[] {
  return readdirSync(path.join(folder, 'cache', 'chunks'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((name) => ({ name, bytes: statSync(name).size }))
    .sort((left, right) => right.bytes - left.bytes);
}

test('the bytes on disk are those of q8_0', () => {
  const { tokens = 0, diskBytes = 0 } = client.status?.repository ?? {};
  expect(tokens).toBeGreaterThan(300);
  // of SmolLM2-135M a token takes 23,040 bytes in f16, 12,240 in q8_0, and its importance keys: docs/chunk-files.md
  expect(diskBytes).toBe(chunkFiles().reduce((sum, { bytes }) => sum + bytes, 0));
  expect(diskBytes / tokens).toBeGreaterThan(12_240);
  expect(diskBytes / tokens).toBeLessThan(0.75 * 23_040);
});

test('a file that is truncated while in use is named in the log and encoded again, and the server keeps running', async () => {
  await client.open(uri(), text);
  await client.complete(uri(), 3, 20);
  const before = client.status?.cache?.tokens ?? 0;
  const [cut] = chunkFiles();
  truncateSync(cut?.name ?? '', 8192);
  await client.edit(uri(), 2, 0, 0, 0, '// once more\n');
  await client.complete(uri(), 4, 20);
  expect(client.child.exitCode).toBeNull();
  await client.until('the log', () => client.logs.some((line) => line.includes(`${cut?.name} was cut short`)));
  await client.until('the file to be whole', () =>
    chunkFiles().some((one) => one.name === cut?.name && one.bytes === cut.bytes),
  );
  await untilEncoded();
  await client.edit(uri(), 3, 0, 0, 0, '// and again\n');
  await client.complete(uri(), 5, 20);
  await client.until('all tokens in view', () => (client.status?.cache?.tokens ?? 0) >= before);
});
