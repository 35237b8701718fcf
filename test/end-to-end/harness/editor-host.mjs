// A real VS Code in a browser: code-server, on a loopback port, with every file of its own in a temporary folder.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { Failure } from '../../../scripts/lib/failure.mjs';
import { run } from '../../../scripts/lib/process.mjs';
import { editorHost } from '../../../scripts/setup/editor-host.mjs';
import { defaultUserSettings, isMachineSetting } from './user-settings.mjs';

const { node, entry } = editorHost();

const startLimitMs = 60_000;

/**
 * @typedef {object} EditorHostOptions
 * @property {string} logs folder that gets the host's logs at the end
 * @property {string} [vsix] extension to install
 * @property {boolean} [smokeTestDriver] lets a page bring an extension under development and its tests; hides toasts
 * @property {boolean} [trust] folders are not trusted until the user says so
 * @property {Record<string, unknown>} [settings] on top of the default user settings
 * @property {NodeJS.ProcessEnv} [env]
 */

/** One run of code-server. Everything it starts is in its process group, which ends with it. */
export class EditorHost {
  #child;
  #log = '';
  #options;
  #settings;

  /** @param {EditorHostOptions} options */
  constructor(options) {
    for (const file of [node, entry]) {
      if (!existsSync(file)) throw new Failure(`${file} is missing: run npm run setup -- --tests.`);
    }
    this.#options = options;
    // Short: the paths of Unix sockets below it are limited to about 100 characters.
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'fe-'));
    this.#settings = { ...defaultUserSettings, ...options.settings };
    writeFileSync(path.join(this.folder, 'config.yaml'), '');
    this.changeSettings({});
  }

  get processId() {
    return this.#child?.pid;
  }

  /** The authority in a remote URI is the page's own host and port. */
  remote(file) {
    return `vscode-remote://127.0.0.1:${this.port}${file}`;
  }

  /** Settings of the user; a running window follows them. A value of undefined removes the setting. */
  changeSettings(changes) {
    this.#settings = { ...this.#settings, ...changes };
    const entries = Object.entries(this.#settings);
    this.#writeSettings(
      'User',
      entries.filter(([name]) => !isMachineSetting(name)),
    );
    this.#writeSettings(
      'Machine',
      entries.filter(([name]) => isMachineSetting(name)),
    );
  }

  async start() {
    if (this.#options.vsix) await this.#install(this.#options.vsix);
    this.port = await freePort();
    this.origin = `http://127.0.0.1:${this.port}`;
    const child = spawn(
      node,
      [
        entry,
        ...this.#folders(),
        '--auth=none',
        `--bind-addr=127.0.0.1:${this.port}`,
        '--disable-telemetry',
        '--disable-update-check',
        ...(this.#options.trust ? [] : ['--disable-workspace-trust']),
        '--disable-getting-started-override',
        ...(this.#options.smokeTestDriver ? ['--vscode-option', 'enable-smoke-test-driver'] : []),
      ],
      { env: this.#environment(), stdio: ['ignore', 'pipe', 'pipe'], detached: true },
    );
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (data) => {
        this.#log += data;
      });
    }
    const deadline = Date.now() + startLimitMs;
    while (!(await this.#answers())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        await this.stop();
        throw new Failure('code-server did not start.', this.#log);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async stop() {
    const child = this.#child;
    if (child?.pid) {
      for (const signal of /** @type {const} */ (['SIGTERM', 'SIGKILL'])) {
        try {
          process.kill(-child.pid, signal);
        } catch {
          break; // Nothing is left of the group.
        }
        await new Promise((resolve) => setTimeout(resolve, 1500));
      }
    }
    mkdirSync(this.#options.logs, { recursive: true });
    writeFileSync(path.join(this.#options.logs, 'code-server.log'), this.#log);
    const logs = path.join(this.folder, 'ud', 'logs');
    if (existsSync(logs)) cpSync(logs, path.join(this.#options.logs, 'vscode'), { recursive: true });
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #writeSettings(kind, entries) {
    const file = path.join(this.folder, 'ud', kind, 'settings.json');
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(Object.fromEntries(entries), null, 2));
  }

  async #install(vsix) {
    const result = await run(node, [entry, ...this.#folders(), '--install-extension', vsix], {
      env: this.#environment(),
    });
    if (result.code !== 0 || !/successfully installed/.test(result.output)) {
      throw new Failure(`${vsix} could not be installed.`, result.output);
    }
  }

  #folders() {
    return [
      `--user-data-dir=${path.join(this.folder, 'ud')}`,
      `--extensions-dir=${path.join(this.folder, 'ext')}`,
      `--config=${path.join(this.folder, 'config.yaml')}`,
    ];
  }

  #environment() {
    // The model is chosen by a setting, so that a test can take it away.
    const { FASA_MODEL: _model, ...inherited } = process.env;
    return {
      ...inherited,
      XDG_CONFIG_HOME: this.folder,
      XDG_DATA_HOME: this.folder,
      // Started from a terminal of VS Code or code-server it would otherwise speak to that one and exit.
      VSCODE_IPC_HOOK_CLI: '',
      CODE_SERVER_SESSION_SOCKET: '',
      // No marketplace: nothing to ask for, and no waiting where there is no network.
      EXTENSIONS_GALLERY: '{"serviceUrl":""}',
      ...this.#options.env,
    };
  }

  async #answers() {
    try {
      return (await fetch(`${this.origin}/healthz`)).ok;
    } catch {
      return false;
    }
  }
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {net.AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });
}
