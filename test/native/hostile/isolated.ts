/**
 * Runs work on hostile input in a child process, so that a crash or a hang fails the test of the input that caused it
 * and not the whole run. All inputs go through one process, one after the other: each must leave it usable.
 */

import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { addonPath } from '../../../language-server/engine/native/load-addon';

export type Outcome<Result> = { readonly result: Result } | { readonly crash: string };

/**
 * @param script a TypeScript file of this folder that sends `ready` first, then answers each message with `{ result }`.
 * @param inputs sent one by one; each gets an outcome, in order.
 */
export async function runIsolated<Input extends object, Result>(
  script: string,
  folder: string,
  inputs: readonly Input[],
  limitMs: number,
): Promise<Outcome<Result>[]> {
  const bundle = path.join(folder, script.replace(/\.ts$/, '.cjs'));
  buildSync({
    entryPoints: [path.join(import.meta.dirname, script)],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  });
  const outcomes: Outcome<Result>[] = [];
  let child: ChildProcess | undefined;
  try {
    for (const input of inputs) {
      child ??= await start(bundle);
      const outcome = await ask<Result>(child, input, limitMs);
      outcomes.push(outcome);
      if ('crash' in outcome) {
        child.kill('SIGKILL');
        child = undefined;
      }
    }
  } finally {
    child?.kill('SIGKILL');
  }
  return outcomes;
}

async function start(bundle: string): Promise<ChildProcess> {
  const child = fork(bundle, {
    env: { ...process.env, FASA_ADDON: addonPath() },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  child.stdout?.resume();
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code, signal) => reject(new Error(`the child ended at once, with ${signal ?? code}`)));
  });
  child.removeAllListeners('exit');
  return child;
}

function ask<Result>(child: ChildProcess, input: object, limitMs: number): Promise<Outcome<Result>> {
  return new Promise((resolve) => {
    let said = '';
    const hear = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-2000);
    };
    const done = (outcome: Outcome<Result>): void => {
      clearTimeout(timer);
      child.removeAllListeners('message').removeAllListeners('exit');
      child.stderr?.off('data', hear);
      resolve(outcome);
    };
    const timer = setTimeout(() => done({ crash: `no answer in ${limitMs} ms\n${said}` }), limitMs);
    child.stderr?.on('data', hear);
    child.once('message', (message) => done(message as { result: Result }));
    child.once('exit', (code, signal) => done({ crash: `ended with ${signal ?? `code ${code}`}\n${said}` }));
    child.send(input);
  });
}
