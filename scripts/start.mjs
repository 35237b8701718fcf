// npm start -- [FOLDER]
//
// Installs and builds what is missing, then opens FOLDER (default: this project) in VS Code with the extension: in the
// desktop `code` if there is one, or else in code-server on a loopback port, whose address is printed. That editor keeps its
// settings and extensions in the cache folder, so the user's own VS Code is not touched. Ctrl+C ends it.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, main } from './lib/failure.mjs';
import { fileHash, readText, writeAtomic } from './lib/files.mjs';
import { cacheFolder, root } from './lib/paths.mjs';
import { run, which } from './lib/process.mjs';
import { step } from './lib/terminal.mjs';
import { makePackage, packagePath } from './package.mjs';
import { editorHost, setUpEditorHost } from './setup/editor-host.mjs';
import { setUp } from './setup.mjs';

const START_LIMIT_MS = 60_000;
/** How long an editor may take to end by itself. */
const END_LIMIT_MS = 5000;

const SETTINGS = {
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'workbench.enableExperiments': false,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'editor.inlineSuggest.enabled': true,
  // The built-in assistant wants an account in the cloud; this editor is here to show a local one.
  'chat.disableAIFeatures': true,
};

/** Workspace Trust keeps VS Code's defaults, because the folder may come from anybody. */
const TRUST =
  'Until you trust the folder there (Manage, in the banner of Restricted Mode), completions read the open file alone.';

/** Prepares the editor's folders. Settings that the user changed there stay. */
function profile(kind) {
  const folder = path.join(cacheFolder(), 'editor', kind);
  const settings = path.join(folder, 'data', 'User', 'settings.json');
  mkdirSync(path.dirname(settings), { recursive: true });
  mkdirSync(path.join(folder, 'extensions'), { recursive: true });
  if (!existsSync(settings)) writeFileSync(settings, `${JSON.stringify(SETTINGS, null, 2)}\n`);
  return {
    folder,
    args: ['--user-data-dir', path.join(folder, 'data'), '--extensions-dir', path.join(folder, 'extensions')],
  };
}

/**
 * Starts a program that ends with us, along with everything that it started, because it leads a process group of its own.
 * @returns {{child: import('node:child_process').ChildProcess, ended: Promise<number>, end: () => Promise<void>}}
 */
function startGroup(command, args, options) {
  const child = spawn(command, args, { ...options, detached: process.platform !== 'win32' });
  let over = false;
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => {
      over = true;
      resolve(code ?? 0);
    });
  });
  const signal = (name) => {
    try {
      if (process.platform === 'win32') child.kill(name);
      else if (child.pid) process.kill(-child.pid, name);
    } catch {
      // It has ended already.
    }
  };
  // However we end, nothing of it is left.
  process.on('exit', () => signal('SIGKILL'));
  const end = async () => {
    signal('SIGTERM');
    const limit = new Promise((resolve) => setTimeout(resolve, END_LIMIT_MS).unref());
    if (!over) await Promise.race([ended, limit]);
    // Members of the group can outlive its leader.
    signal('SIGKILL');
  };
  return { child, ended, end };
}

/** Waits until the program ends, or until the user or the system ends us. */
async function untilEnd(group) {
  const asked = new Promise((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(name, () => resolve(0));
  });
  const code = await Promise.race([group.ended, asked]);
  await group.end();
  return code;
}

async function openDesktop(code, folder) {
  const { args } = profile('desktop');
  process.stdout.write(`opening ${folder} in ${code}; Ctrl+C here or closing the window ends it\n${TRUST}\n`);
  const group = startGroup(code, [...args, '--extensionDevelopmentPath', root, '--new-window', '--wait', folder], {
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return untilEnd(group);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address?.port));
    });
  });
}

/** Installs our package in the editor host if it differs from the installed one. */
async function installExtension(args, folder, environment) {
  const { node, entry } = editorHost();
  const record = path.join(folder, 'installed');
  const hash = fileHash(packagePath());
  if (readText(record) === hash) return 'ok (already there)';
  const result = await run(node, [entry, ...args, '--force', '--install-extension', packagePath()], {
    env: environment,
  });
  if (result.code !== 0) throw new Failure('The extension could not be installed in code-server.', result.output);
  writeAtomic(record, hash);
  return 'installed in code-server';
}

async function openInBrowser(folder) {
  await step('editor host', setUpEditorHost);
  await step('package', makePackage);
  const { folder: own, args: folders } = profile('code-server');
  // Whoever can open the page has a terminal. Another user of the machine can reach the port, but cannot read our file.
  const config = path.join(own, 'config.yaml');
  const password = randomBytes(18).toString('base64url');
  rmSync(config, { force: true });
  writeFileSync(config, `auth: password\npassword: ${password}\n`, { mode: 0o600, flag: 'wx' });
  const args = [...folders, '--config', config];
  const environment = {
    ...process.env,
    // No marketplace is contacted.
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    // In a terminal of another VS Code, these variables would open our folder there.
    // The user's own password for another code-server would take precedence over ours.
    PASSWORD: undefined,
    HASHED_PASSWORD: undefined,
    VSCODE_IPC_HOOK_CLI: '',
    CODE_SERVER_SESSION_SOCKET: '',
  };
  await step('extension', () => installExtension(args, own, environment));
  const port = await freePort();
  const { node, entry } = editorHost();
  const group = startGroup(
    node,
    [
      entry,
      ...args,
      '--bind-addr',
      `127.0.0.1:${port}`,
      '--disable-telemetry',
      '--disable-update-check',
      '--disable-getting-started-override',
    ],
    { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [group.child.stdout, group.child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      log = (log + text).slice(-20_000);
    });
  }
  const deadline = Date.now() + START_LIMIT_MS;
  const answers = () =>
    fetch(`http://127.0.0.1:${port}/healthz`).then(
      (response) => response.ok,
      () => false,
    );
  while (!(await answers())) {
    if (group.child.exitCode !== null || Date.now() > deadline) {
      await group.end();
      throw new Failure('code-server did not start: its messages are above.', log);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const address = new URL(`http://127.0.0.1:${port}/`);
  address.searchParams.set('folder', folder);
  process.stdout.write(
    `\nVS Code is at ${address.href}\nPassword: ${password}\n(this machine alone can reach it; Ctrl+C ends it)\n${TRUST}\n`,
  );
  return untilEnd(group);
}

await main(async () => {
  const { positionals } = parseArgs({ allowPositionals: true });
  if (positionals.length > 1) throw new Failure('usage: npm start -- [FOLDER]');
  const folder = path.resolve(process.env['INIT_CWD'] ?? '.', positionals[0] ?? root);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    throw new Failure(`${folder} is not a folder: name one that is, or none to open this project.`);
  }
  await setUp();
  const desktop = which('code');
  process.exitCode = desktop ? await openDesktop(desktop, folder) : await openInBrowser(folder);
  process.exit();
});
