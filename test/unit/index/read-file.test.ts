/** The one reader of workspace files: what it reads, what it refuses, and that it never waits for anything. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ReadOptions, readNamedText, readWorkspaceFile } from '../../../language-server/index/discover/read-file';

let folder = '';
let outside = '';

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-read-'));
  outside = mkdtempSync(path.join(os.tmpdir(), 'fasa-outside-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
});

const at = (name: string) => path.join(folder, name);

/** The text, or why there is none. */
async function read(name: string, options: Partial<ReadOptions> = {}): Promise<string> {
  const result = await readWorkspaceFile(at(name), { maxBytes: 1000, within: folder, ...options });
  return 'refused' in result ? result.refused : new TextDecoder().decode(result.bytes) + (result.isCut ? '…' : '');
}

describe('a workspace file', () => {
  test('is read up to its limit', async () => {
    writeFileSync(at('a'), 'x'.repeat(1000));
    writeFileSync(at('b'), 'x'.repeat(1001));
    writeFileSync(at('c'), '');
    expect(await read('a')).toBe('x'.repeat(1000));
    expect(await read('b')).toBe('too large');
    expect(await read('b', { cut: true })).toBe(`${'x'.repeat(1000)}…`);
    expect(await read('c')).toBe('');
  });

  test('that is not there, is a folder, or lies below a file is refused', async () => {
    mkdirSync(at('folder'));
    writeFileSync(at('file'), 'x');
    expect(await read('none')).toBe('missing');
    expect(await read('folder')).toBe('no regular file');
    expect(await read('file/below')).toBe('missing');
  });

  test.skipIf(process.getuid?.() === 0)('that may not be read is refused', async () => {
    writeFileSync(at('a'), 'x');
    chmodSync(at('a'), 0);
    expect(await read('a')).toBe('unreadable');
  });

  test('that is a link is read where it leads to a file of the folder, and nowhere else', async () => {
    writeFileSync(at('a'), 'inside');
    writeFileSync(path.join(outside, 'b'), 'outside');
    symlinkSync('a', at('in'));
    symlinkSync(path.join(outside, 'b'), at('out'));
    symlinkSync(outside, at('folder'));
    symlinkSync('loop', at('loop'));
    symlinkSync('gone', at('dangling'));
    expect(await read('in')).toBe('inside');
    expect(await read('in', { followLinks: false })).toBe('symbolic link');
    expect(await read('out')).toBe('outside the folder');
    expect(await read('folder/b')).toBe('outside the folder');
    expect(await read('loop')).toBe('symbolic link');
    expect(await read('dangling')).toBe('missing');
  });
});

describe.skipIf(process.platform === 'win32')('what would wait for ever, or never end, is refused at once', () => {
  const links = [
    '/dev/zero',
    '/dev/random',
    '/dev/stdin',
    '/dev/tty',
    '/dev/fd/0',
    '/proc/self/fd/0',
    '/dev/null',
    '/',
  ];

  test.each(links)('a link to %s', async (target) => {
    symlinkSync(target, at('link'));
    expect(await read('link')).not.toMatch(/x|^$/);
    // and where nothing is said about the folder: not even then is it opened
    const result = await readWorkspaceFile(at('link'), { maxBytes: 1000 });
    expect(result).toEqual({ refused: expect.stringMatching(/^(?:no regular file|missing|unreadable)$/) });
  });

  test('a pipe, by its name and by a link', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync('pipe', at('link'));
    expect(await read('pipe')).toBe('no regular file');
    expect(await read('link')).toBe('no regular file');
  });

  test('a socket', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at('socket'), resolve));
    try {
      expect(await read('socket')).toBe('no regular file');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test.skipIf(process.platform !== 'linux')('a file of the system that has no size is taken for empty', async () => {
    symlinkSync('/proc/kmsg', at('link'));
    const result = await readWorkspaceFile('/proc/self/mounts', { maxBytes: 1000 });
    expect('bytes' in result && result.bytes.length).toBe(0);
    expect(await read('link')).toBe('outside the folder');
  });
});

test('a file that the user names is read as text, and a refusal says what to do', async () => {
  writeFileSync(at('a'), Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff]));
  expect(await readNamedText(at('a'))).toBe('a\ufffd');
  await expect(readNamedText(at('none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(readNamedText(folder)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  await expect(readNamedText(at('a'), 2)).rejects.toMatchObject({ code: 'TEXT_TOO_LONG' });
});
