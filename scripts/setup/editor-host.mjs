import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../lib/failure.mjs';
import { readText, replaceFolder, temporaryFolder, writeAtomic } from '../lib/files.mjs';
import { tools } from '../lib/paths.mjs';
import { run, which } from '../lib/process.mjs';
import { installCommand } from './machine.mjs';
import { countArrivals, npm } from './npm.mjs';

/** code-server is VS Code's own workbench and extension host, served to a browser: 4.139.1 is VS Code 1.139.1. */
const CODE_SERVER = '4.139.1';
/** code-server runs on this major version of Node alone. The platform's package also has the headers. */
const NODE = '24.21.0';
/** The two native modules that the extension host loads: its log files, and ending with its parent. */
const NATIVE_MODULES = ['@vscode/spdlog', '@vscode/native-watchdog'];

function nodePackage() {
  return `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`;
}

const nodeFolder = path.join(tools, 'node24');
const hostFolder = path.join(tools, 'code-server');

/** Where the editor host is: its Node, and the script that this Node runs. */
export function editorHost() {
  return {
    node: path.join(
      nodeFolder,
      'node_modules',
      nodePackage(),
      'bin',
      process.platform === 'win32' ? 'node.exe' : 'node',
    ),
    entry: path.join(hostFolder, 'node_modules', 'code-server', 'out', 'node', 'entry.js'),
  };
}

function isComplete(folder, version) {
  return readText(path.join(folder, 'version'))?.trim() === version;
}

/** Makes a folder aside and moves it to its place when it is whole. */
async function install(folder, version, work) {
  const part = temporaryFolder(tools);
  writeFileSync(path.join(part, 'package.json'), '{ "private": true }\n');
  await work(part);
  writeAtomic(path.join(part, 'version'), `${version}\n`);
  replaceFolder(part, folder);
}

async function installNode(say) {
  await install(nodeFolder, NODE, async (folder) => {
    say(`fetching Node ${NODE}`);
    // The platform's package itself: the package `node` would fetch it in an install script.
    await npm(['install', '--no-save', '--ignore-scripts', `${nodePackage()}@${NODE}`], {
      what: `Fetching Node ${NODE} for the editor host`,
      cwd: folder,
    });
  });
}

async function installCodeServer(say) {
  for (const name of ['make', 'python3']) {
    if (!which(name)) {
      throw new Failure(
        `${name} was not found, and two native modules of the editor host are built with it: install it with ${installCommand(`${name} g++`, 'xcode-select --install')}.`,
      );
    }
  }
  const node = path.dirname(editorHost().node);
  await install(hostFolder, CODE_SERVER, async (folder) => {
    const vscode = path.join(folder, 'node_modules', 'code-server', 'lib', 'vscode');
    const fetchInto = (cwd, args, what) =>
      npm(['install', ...args, '--ignore-scripts', '--loglevel=http'], {
        what: `Fetching code-server ${CODE_SERVER}`,
        cwd,
        node,
        onLine: countArrivals((count) => say(`${what}, ${count} packages`)),
      });
    await fetchInto(folder, ['--no-save', `code-server@${CODE_SERVER}`], 'fetching code-server');
    await fetchInto(vscode, ['--omit=dev'], 'fetching its workbench’s packages');
    await fetchInto(path.join(vscode, 'extensions'), ['--omit=dev'], 'fetching its extensions’ packages');
    say('building two native modules');
    await npm(['rebuild', ...NATIVE_MODULES], {
      what: 'Building the native modules of the editor host',
      cwd: vscode,
      node,
      // Headers of the Node that will load them, wherever npm's own settings point.
      env: { npm_config_nodedir: path.dirname(path.dirname(editorHost().node)) },
    });
  });
}

/** code-server and its Node in .tools/. */
export async function setUpEditorHost({ say }) {
  const { node, entry } = editorHost();
  const made = [];
  mkdirSync(tools, { recursive: true });
  if (!isComplete(nodeFolder, NODE) || !existsSync(node)) {
    await installNode(say);
    made.push(`Node ${NODE}`);
  }
  if (!isComplete(hostFolder, CODE_SERVER) || !existsSync(entry)) {
    await installCodeServer(say);
    made.push(`code-server ${CODE_SERVER}`);
  }
  if (made.length === 0) return 'ok (already there)';
  const version = await run(node, [entry, '--version']);
  if (version.code !== 0) {
    throw new Failure(`code-server does not start: remove ${hostFolder} and run this again.`, version.output);
  }
  return `${made.join(' and ')} installed in .tools`;
}
