/**
 * The process that chat templates are rendered in. A template comes with a model and may be hostile, and some of what it
 * can do ends a process whatever is caught there (V8's limits of memory): it can end this one alone.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { cancelled, EngineError } from '../../base/errors';
import { neutralFolder } from '../../base/programs';
import { isRecord } from '../../protocol/validate';
import { type LayoutAnswer, type LayoutRequest, ready, tooLong, tooSlow } from './layout';

interface TemplateProcessOptions {
  /** The script; default: the one that is shipped. */
  readonly script?: string;
  /** Without a question for so long, the process ends. */
  readonly idleMs?: number;
}

const maxHeapMegabytes = 128;
/** Of the process; a slow machine is not the template's fault. */
const maxStartMs = 20_000;
/** The process ends a template itself before that, unless it is in something that cannot be interrupted. */
const maxAnswerMs = 4000;
const defaultIdleMs = 60_000;
/** All that the process gets of the environment: how it is started, and how it writes a date. */
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
   * What the template makes of the roles, or why it is not used; it may have ended the process.
   * @throws EngineError INTERNAL: the process does not start; CANCELLED: it was closed
   */
  async render(request: LayoutRequest): Promise<LayoutAnswer> {
    clearTimeout(this.#idle);
    const warm = this.#child;
    const said = await this.#ask(warm ?? (await this.#start()), request);
    // one that was there already may have ended for another reason: only a new one ends by what it is asked
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
    // it ends as well, or never was: that is what is looked at
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
    // what keeps it from being sent is seen as the end of the process
    child.send(request, () => undefined);
    const said = await nextOf(child, maxAnswerMs);
    this.#throwIfClosed();
    if (said.what !== 'message') {
      this.#end();
      return said;
    }
    // until the next question nothing waits for it: it keeps no command from ending
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

/** What a process says next, or that it ended, or that it said nothing for so long. */
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
  // in an editor, the program that runs this is the editor's own, and is Node where this is set
  return { ...Object.fromEntries(kept), ELECTRON_RUN_AS_NODE: '1' };
}

/** Beside the bundle in `dist/`; from the sources, in the `dist/` of the same tree. */
function scriptPath(): string {
  const name = 'template-renderer.js';
  const beside = path.join(__dirname, name);
  return existsSync(beside) ? beside : path.join(__dirname, '..', '..', '..', 'dist', name);
}
