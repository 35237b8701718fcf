/**
 * The process that chat templates are rendered in. A template comes with a model and may be hostile. Some of what it can do
 * ends a process whatever is caught there (V8's limits of memory), so it gets a process that it can end alone.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { cancelled, EngineError } from '../../base/errors';
import { neutralFolder } from '../../base/programs';
import { isRecord } from '../../protocol/validate';
import { type LayoutAnswer, type LayoutRequest, ready, tooLong, tooSlow } from './layout';

interface TemplateProcessOptions {
  /** Path of the script; default: the one that is shipped. */
  readonly script?: string;
  /** The process ends after so many milliseconds without a question. */
  readonly idleMs?: number;
}

const maxHeapMegabytes = 128;
/** Limit for the start of the process, which is generous: a slow machine is not the fault of the template. */
const maxStartMs = 20_000;
/** The process stops a template itself before that, unless the template is in something that cannot be interrupted. */
const maxAnswerMs = 4000;
const defaultIdleMs = 60_000;
/** The environment variables that the process gets: what it needs to start, and to format a date. */
const environmentNames = ['LANG', 'LC_ALL', 'LC_TIME', 'LD_LIBRARY_PATH', 'SystemRoot', 'TZ'];

/** Answers one request at a time. */
export class TemplateProcess {
  readonly #script: string | undefined;
  readonly #idleMs: number;
  #child: ChildProcess | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: TemplateProcessOptions = {}) {
    this.#script = options.script;
    this.#idleMs = options.idleMs ?? defaultIdleMs;
  }

  /**
   * The layout that the template gives to the roles, or the reason why it cannot be used.
   * @throws EngineError INTERNAL where the process does not start; CANCELLED where it was closed
   */
  async render(request: LayoutRequest): Promise<LayoutAnswer> {
    clearTimeout(this.#idle);
    const warm = this.#child;
    const said = await this.#ask(warm ?? (await this.#start()), request);
    // a process that ran before may have ended for another reason: only a new one ends because of this request
    const last = said.what === 'end' && warm !== undefined ? await this.#ask(await this.#start(), request) : said;
    switch (last.what) {
      case 'message':
        return checkAnswer(last.message, request);
      case 'late':
        return tooSlow(maxAnswerMs);
      case 'end':
        return { problem: 'its process ended, most likely for want of memory', final: true };
    }
  }

  /** Ends the process at once, whatever it does. */
  close(): void {
    this.#closed = true;
    this.#end();
  }

  #end(): void {
    clearTimeout(this.#idle);
    this.#child?.kill('SIGKILL');
    this.#child = undefined;
  }

  async #start(): Promise<ChildProcess> {
    this.#throwIfClosed();
    const child = spawn(process.execPath, [`--max-old-space-size=${maxHeapMegabytes}`, this.#script ?? scriptPath()], {
      cwd: neutralFolder,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      env: environment(),
      windowsHide: true,
    });
    this.#child = child;
    // after an error the process exits or never started, and both are seen below
    child.on('error', () => undefined);
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    child.once('exit', () => {
      process.off('exit', end);
      if (this.#child === child) {
        this.#child = undefined;
      }
    });
    const said = await nextOf(child, maxStartMs);
    this.#throwIfClosed();
    if (said.what !== 'message' || said.message !== ready) {
      this.#end();
      throw new EngineError('INTERNAL', 'The process that chat templates are rendered in does not start.');
    }
    return child;
  }

  async #ask(child: ChildProcess, request: LayoutRequest): Promise<Said> {
    child.ref();
    child.channel?.ref();
    // a request that cannot be sent shows as the end of the process
    child.send(request, () => undefined);
    const said = await nextOf(child, maxAnswerMs);
    this.#throwIfClosed();
    if (said.what !== 'message') {
      this.#end();
      return said;
    }
    // until the next request nothing waits for the process, so it must keep no command from ending
    child.unref();
    child.channel?.unref();
    this.#idle = setTimeout(() => this.#end(), this.#idleMs).unref();
    return said;
  }

  #throwIfClosed(): void {
    if (this.#closed) {
      throw cancelled();
    }
  }
}

type Said = { readonly what: 'message'; readonly message: unknown } | { readonly what: 'end' | 'late' };

/** The next message of a process, or its end, or that neither came in time. */
function nextOf(child: ChildProcess, milliseconds: number): Promise<Said> {
  return new Promise((resolve) => {
    const settle = (said: Said) => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onEnd);
      child.off('error', onEnd);
      resolve(said);
    };
    const onMessage = (message: unknown) => settle({ what: 'message', message });
    const onEnd = () => settle({ what: 'end' });
    const timer = setTimeout(() => settle({ what: 'late' }), milliseconds);
    child.on('message', onMessage);
    child.on('exit', onEnd);
    child.on('error', onEnd);
  });
}

function checkAnswer(answer: unknown, { roles }: LayoutRequest): LayoutAnswer {
  if (isRecord(answer)) {
    const { pieces, systemInUser, problem, final } = answer;
    if (typeof problem === 'string' && typeof final === 'boolean') {
      return { problem, final };
    }
    const isText = (piece: unknown): piece is string => typeof piece === 'string';
    const isWhole = Array.isArray(pieces) && pieces.length === roles.length + (systemInUser === true ? 0 : 1);
    if (isWhole && pieces.every(isText) && typeof systemInUser === 'boolean') {
      return { pieces, systemInUser };
    }
  }
  return tooLong;
}

function environment(): NodeJS.ProcessEnv {
  const kept = environmentNames.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  // inside an editor, the running program is the editor's own, which acts as Node where this is set
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1' };
}

/** The script is beside the bundle in `dist/`; code that runs from the sources finds it in the `dist/` of the same tree. */
function scriptPath(): string {
  const name = 'template-renderer.js';
  const beside = path.join(__dirname, name);
  return existsSync(beside) ? beside : path.join(__dirname, '..', '..', '..', 'dist', name);
}
