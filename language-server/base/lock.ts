/**
 * A lock file that names its process, so that a process that died leaves no lock behind. Its number is not enough: it is given to
 * other processes later, and means a different process in a container. The lock therefore also holds when the process started.
 * Where that cannot be known, the owner touches its file, and a file that was not touched for long has no owner.
 */

import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { link, lstat, open, rm, utimes, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { anyString, type Checked, fields, integer } from '../protocol/validate';
import { readOwnText } from './cache-files';
import { EngineError } from './errors';

export interface Lock {
  release(): Promise<void>;
}

const checkOwner = fields({
  pid: integer(1, Number.MAX_SAFE_INTEGER),
  /** When the process started, as the system puts it; '' if it does not say. */
  started: anyString,
  /** Where the number means this process: the boot and the container, or else the machine. */
  place: anyString,
  token: anyString,
});
type Owner = Checked<typeof checkOwner>;

const touchMs = 5000;
/** The age of a lock that counts as abandoned, where its owner cannot be checked. */
const staleMs = 30_000;
const maxAttempts = 5;
/** How long to wait while another process removes a stale lock. */
const waitMs = 20;
/** Maximum size of a lock file. */
const maxBytes = 4096;

/** @throws EngineError BUSY while its owner lives; the file system's errors */
export async function acquireLock(file: string): Promise<Lock> {
  const start = await startOf(process.pid);
  const started = typeof start === 'string' ? start : '';
  const owner: Owner = { pid: process.pid, started, place: thisPlace(), token: randomUUID() };
  const text = JSON.stringify(owner);
  for (let attempt = 0; attempt < maxAttempts; attempt++) {
    if (await create(file, text, owner.token)) {
      return hold(file, text);
    }
    const found = identityOf(file);
    if (found === undefined) {
      continue; // it was released
    }
    const other = parseOwner(readOwnText(file, maxBytes));
    if (other !== undefined && (await isHeld(file, other))) {
      throw new EngineError('BUSY', `Another process (${other.pid}) is working on ${file.replace(/\.lock$/, '')}.`);
    }
    await removeStale(file, found);
  }
  if (await create(file, text, owner.token)) {
    return hold(file, text);
  }
  throw new EngineError('BUSY', `The lock ${file} could not be taken.`);
}

/** Whether a process that lives holds it, which may be this one. */
export async function isLocked(file: string): Promise<boolean> {
  const owner = parseOwner(readOwnText(file, maxBytes));
  return owner !== undefined && (await isHeld(file, owner));
}

/** Creates the lock with its text in it from the start, because an empty lock has no owner. @returns false if there is a lock */
async function create(file: string, text: string, token: string): Promise<boolean> {
  const temporary = `${file}.${token}`;
  try {
    await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
    await link(temporary, file);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === 'EEXIST') {
      return false;
    }
    if (!noLinks.has(code)) {
      throw error;
    }
  } finally {
    await rm(temporary, { force: true });
  }
  return createWithoutLink(file, text);
}

/** Error codes of file systems without hard links. */
const noLinks: ReadonlySet<unknown> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL', 'EMLINK']);

async function createWithoutLink(file: string, text: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') {
      return false;
    }
    throw error;
  }
}

function hold(file: string, text: string): Lock {
  const touching = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch(() => undefined);
  }, touchMs);
  touching.unref();
  return {
    release: async () => {
      clearInterval(touching);
      // after a long sleep, the lock may belong to another process
      if (readOwnText(file, maxBytes) === text) {
        await rm(file, { force: true });
      }
    },
  };
}

/**
 * Only one of the processes that find the same stale lock removes it; the others might otherwise remove the lock that the first one
 * then takes. The remover holds a second lock for a moment. If it dies there, that lock is in the way until it is old.
 */
async function removeStale(file: string, found: string): Promise<void> {
  const removing = `${file}.removing`;
  try {
    await (await open(removing, 'wx', 0o600)).close();
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') {
      throw error;
    }
    if (await isOld(removing)) {
      await rm(removing, { recursive: true, force: true });
    }
    await sleep(waitMs);
    return;
  }
  try {
    if (identityOf(file) === found) {
      await rm(file, { recursive: true, force: true });
    }
  } finally {
    await rm(removing, { force: true });
  }
}

/** Identifies a file and its last change; undefined if there is none. */
function identityOf(file: string): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  return stats === undefined ? undefined : `${stats.ino} ${stats.ctimeMs}`;
}

async function isOld(file: string): Promise<boolean> {
  const touched = (await lstat(file).catch(() => undefined))?.mtimeMs;
  return touched !== undefined && Math.abs(Date.now() - touched) >= staleMs;
}

async function isHeld(file: string, owner: Owner): Promise<boolean> {
  if (owner.place === thisPlace()) {
    const start = await startOf(owner.pid);
    if (start === 'dead') {
      return false;
    }
    if (start !== undefined && owner.started !== '') {
      return start === owner.started;
    }
  }
  return !(await isOld(file));
}

function parseOwner(text: string | undefined): Owner | undefined {
  try {
    return checkOwner(JSON.parse(text ?? ''), 'owner');
  } catch {
    return undefined;
  }
}

function thisPlace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return os.hostname();
  }
}

/** When a process started, as the system puts it; undefined if unknown. The same number with another start is another process. */
async function startOf(pid: number): Promise<string | 'dead' | undefined> {
  if (process.platform === 'linux') {
    const stat = textOf(`/proc/${pid}/stat`);
    // the program's name is in parentheses and may contain anything
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields?.[0], fields?.[19]];
    if (state === 'Z' || state === 'X') {
      return 'dead';
    }
    if (ticks !== undefined) {
      return ticks;
    }
  } else if (process.platform === 'darwin') {
    const started = await new Promise<string>((resolve) => {
      const options = { env: { LC_ALL: 'C', TZ: 'UTC' }, timeout: 2000, encoding: 'utf8' } as const;
      execFile('/bin/ps', ['-o', 'lstart=', '-p', String(pid)], options, (_error, stdout) => resolve(stdout.trim()));
    });
    if (started !== '') {
      return started;
    }
  }
  return isGone(pid) ? 'dead' : undefined;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    // EPERM means that another user's process has it
    return codeOf(error) === 'ESRCH';
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
