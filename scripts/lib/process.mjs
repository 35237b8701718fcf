import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.mjs';

/** Output kept for an error message, in characters. */
const KEPT_OUTPUT = 20_000;

/** Running programs, which end with the script, even if no terminal signals all of them. */
const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGTERM');
});

/**
 * Runs a program to its end. Never throws for an exit code: look at `code`.
 * @param {string} command
 * @param {readonly string[]} args
 * @param {{cwd?: string, env?: NodeJS.ProcessEnv, onLine?: (line: string) => void, inherit?: boolean}} [options]
 * @returns {Promise<{code: number, stdout: string, output: string}>} `output`: stdout and stderr as they came.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: options.inherit ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let stdout = '';
    let output = '';
    const take = (stream, keep) => {
      let rest = '';
      stream?.setEncoding('utf8').on('data', (text) => {
        keep(text);
        output = (output + text).slice(-KEPT_OUTPUT);
        const lines = (rest + text).split(/\r?\n|\r/);
        rest = lines.pop() ?? '';
        for (const line of lines) if (line.trim()) options.onLine?.(line.trim());
      });
    };
    take(child.stdout, (text) => {
      stdout += text;
    });
    take(child.stderr, () => {});
    child.on('error', (error) => {
      running.delete(child);
      if ('code' in error && error.code === 'ENOENT') {
        reject(new Failure(`${command} was not found on PATH: install it and run this again.`));
      } else reject(error);
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      resolve({ code: code ?? (signal ? 128 : 1), stdout, output });
    });
  });
}

/** The full path of a program on PATH, or undefined. Relative entries are skipped: the current folder may be anybody's. */
export function which(name, searchPath = process.env['PATH'] ?? '') {
  const endings = process.platform === 'win32' ? ['.exe', '.cmd', '.bat', ''] : [''];
  const candidates = path.isAbsolute(name)
    ? [name]
    : searchPath.split(path.delimiter).flatMap((folder) => (path.isAbsolute(folder) ? [path.join(folder, name)] : []));
  for (const candidate of candidates.flatMap((file) => endings.map((ending) => file + ending))) {
    try {
      if (!statSync(candidate).isFile()) continue;
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // It is not here or not executable, so the next folder is tried.
    }
  }
  return undefined;
}
