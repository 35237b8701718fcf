// npm start -- [FOLDER]
//
// Sets up and builds what is missing, then opens FOLDER (default: this project) in a real VS Code with the extension:
// the desktop `code` where there is one, else code-server on a loopback port, whose address is printed. Settings and
// extensions of that editor are in the cache folder: the user's own VS Code is not touched. Ctrl+C ends it.
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
/** What an editor gets to end by itself before it is ended. */
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

/** Workspace Trust stays as VS Code has it: the folder may be anybody's. */
const TRUST =
  'Until you trust the folder there (Manage, in the banner of Restricted Mode), completions read the open file alone.';

/** The editor's own folders; settings that the user changed there stay. */
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
 * A program that ends with us, and all that it started: it leads a process group of its own.
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
      // Already gone.
    }
  };
  // However we end, nothing of it stays.
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

/** Installs our package in the editor host, when it is another one than is there. */
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
  // Whoever reaches the page has a terminal: another user of the machine reaches the port, but not a file of ours.
  const config = path.join(own, 'config.yaml');
  const password = randomBytes(18).toString('base64url');
  rmSync(config, { force: true });
  writeFileSync(config, `auth: password\npassword: ${password}\n`, { mode: 0o600, flag: 'wx' });
  const args = [...folders, '--config', config];
  const environment = {
    ...process.env,
    // No marketplace is asked for anything.
    EXTENSIONS_GALLERY: '{"serviceUrl":""}',
    // Inside a terminal of another VS Code these would hand our folder to that one.
    // A password of the user's own for another code-server would come before ours.
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
