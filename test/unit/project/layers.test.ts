import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// The layer rules are promises of the architecture (docs/architecture.md). Each is shown to fire, with the project's own
// lint configuration, on a file that breaks it; and to keep still on a file that is allowed to do the same.

interface Snippet {
  readonly name: string;
  /** Path in the project: it decides which rules hold. */
  readonly file: string;
  readonly source: string;
  /** Rules that must fire, in order of their lines; empty: the file is fine. */
  readonly rules: readonly string[];
}

const imports = 'lint/style/noRestrictedImports';
const globals = 'lint/style/noRestrictedGlobals';
const console_ = 'lint/suspicious/noConsole';
const plugin = 'plugin';
const floating = 'lint/nursery/noFloatingPromises';
const networkModules = ['http', 'https', 'http2', 'net', 'tls', 'dgram'];

function importing(module: string): string {
  return `import * as used from '${module}';\n\nexport const it = used;\n`;
}

/** By whatever of the module reads. */
function readingBy(module: string): string {
  const name = module === 'node:fs' ? 'readFileSync' : 'readFile';
  return `import { ${name} } from '${module}';\n\nexport const it = ${name};\n`;
}

const snippets: readonly Snippet[] = [
  { name: 'vscode in the server', file: 'language-server/a.ts', source: importing('vscode'), rules: [imports] },
  { name: 'vscode in models/', file: 'language-server/models/a.ts', source: importing('vscode'), rules: [imports] },
  { name: 'vscode in a unit test', file: 'test/unit/a.ts', source: importing('vscode'), rules: [imports] },
  { name: 'vscode in the extension', file: 'extension/a.ts', source: importing('vscode'), rules: [] },
  { name: 'vscode in the end-to-end tests', file: 'test/end-to-end/a.ts', source: importing('vscode'), rules: [] },
  ...networkModules.flatMap((module): Snippet[] => [
    {
      name: `node:${module} in the server`,
      file: `language-server/completion/${module}.ts`,
      source: importing(`node:${module}`),
      rules: [imports],
    },
    {
      name: `node:${module} in the extension`,
      file: `extension/${module}.ts`,
      source: importing(`node:${module}`),
      rules: [imports],
    },
    {
      name: `node:${module} in models/`,
      file: `language-server/models/${module}.ts`,
      source: importing(`node:${module}`),
      rules: [],
    },
  ]),
  {
    name: 'a network module loaded at run time',
    file: 'language-server/b.ts',
    source: "export const first = import('node:https');\nexport const second = require('node:net');\n",
    rules: [imports, 'lint/style/noCommonJs'],
  },
  {
    name: 'fetch and WebSocket in the server',
    file: 'language-server/c.ts',
    source: "export const first = fetch('x');\nexport const second = new WebSocket('x');\n",
    rules: [globals, globals],
  },
  {
    name: 'fetch in the extension',
    file: 'extension/c.ts',
    source: "export const one = fetch('x');\n",
    rules: [globals],
  },
  {
    name: 'fetch in models/',
    file: 'language-server/models/c.ts',
    source: "export const one = fetch('x');\n",
    rules: [],
  },
  {
    name: 'the engine in the extension',
    file: 'extension/d.ts',
    source: importing('../language-server/engine/engine'),
    rules: [imports],
  },
  {
    name: 'the protocol in the extension',
    file: 'extension/e.ts',
    source: importing('../language-server/protocol/server'),
    rules: [],
  },
  {
    name: 'the extension in the server',
    file: 'language-server/d.ts',
    source: importing('../extension/e'),
    rules: [imports],
  },
  ...['extension/lab.ts', 'media/lab.ts', 'language-server/lab.ts', 'language-server/models/lab.ts'].flatMap(
    (file): Snippet[] => [
      {
        name: `the laboratory in ${file}, which ships`,
        file,
        source: importing('../bench/main'),
        rules: [imports],
      },
    ],
  ),
  {
    name: 'the laboratory imported when it is asked for, which bundles it all the same',
    file: 'language-server/cli/lab.ts',
    source: "export const later = import('../../bench/main');\n",
    rules: [imports],
  },
  {
    name: 'a type of the laboratory in the server',
    file: 'language-server/cli/lab-type.ts',
    source: "import type { Score } from '../../bench/cross-file/score';\n\nexport type It = Score;\n",
    rules: [imports],
  },
  {
    name: 'the server and its own files in the laboratory',
    file: 'bench/speed/a.ts',
    source:
      "import * as model from '../common/model';\nimport * as log from '../../language-server/base/log';\n\nexport const it = [model, log];\n",
    rules: [],
  },
  {
    name: 'a network module in the laboratory',
    file: 'bench/speed/n.ts',
    source: importing('node:net'),
    rules: [imports],
  },
  {
    name: 'a read past the reader in the laboratory',
    file: 'bench/quality/r.ts',
    source: readingBy('node:fs/promises'),
    rules: [imports],
  },
  {
    name: 'the streams in the laboratory',
    file: 'bench/quality/s.ts',
    source: "process.stdout.write('x');\n",
    rules: [plugin],
  },
  { name: 'vscode in a webview', file: 'media/a.ts', source: importing('vscode'), rules: [imports] },
  { name: 'the extension in a webview', file: 'media/b.ts', source: importing('../extension/e'), rules: [imports] },
  { name: 'Node in a webview', file: 'media/chat/c.ts', source: importing('node:fs'), rules: [imports] },
  { name: 'a webview in the extension', file: 'extension/f.ts', source: importing('../media/a'), rules: [imports] },
  {
    name: 'a type of a webview in the extension',
    file: 'extension/chat/f.ts',
    source: "import type { Answer } from '../../media/chat/answer-view';\n\nexport type It = Answer;\n",
    rules: [imports],
  },
  ...['../language-server/protocol/chat-page', '../language-server/protocol/answer/answer'].map(
    (module, index): Snippet => ({
      name: `${module} in a webview`,
      file: `media/p${index}.ts`,
      source: importing(module),
      rules: [],
    }),
  ),
  {
    name: 'the server in a webview',
    file: 'media/s.ts',
    source: importing('../language-server/log'),
    rules: [imports],
  },
  ...['vscode', 'node:path', 'dompurify', '../text', '../engine/engine', '../../media/dom', '../../extension/e'].map(
    (module, index): Snippet => ({
      name: `${module} in the protocol`,
      file: `language-server/protocol/p${index}.ts`,
      source: importing(module),
      rules: [imports],
    }),
  ),
  ...['vscode', 'node:path', 'dompurify', '../../text', '../../../media/dom', '../..'].map(
    (module, index): Snippet => ({
      name: `${module} in protocol/answer/`,
      file: `language-server/protocol/answer/p${index}.ts`,
      source: importing(module),
      rules: [imports],
    }),
  ),
  {
    name: 'the protocol in itself',
    file: 'language-server/protocol/q.ts',
    source: "import * as one from './answer/q';\nimport * as two from './limits';\n\nexport const it = [one, two];\n",
    rules: [],
  },
  {
    name: 'the protocol in protocol/answer/',
    file: 'language-server/protocol/answer/q.ts',
    source: "import * as one from '../thoughts';\nimport * as two from './fences';\n\nexport const it = [one, two];\n",
    rules: [],
  },
  {
    name: 'fetch in a webview',
    file: 'media/d.ts',
    source: "export const one = fetch('x');\n",
    rules: [globals],
  },
  ...['node:fs', 'node:fs/promises'].flatMap((module, index): Snippet[] => [
    {
      name: `a read past the reader by ${module} in repository/`,
      file: `language-server/repository/r${index}.ts`,
      source: readingBy(module),
      rules: [imports],
    },
    {
      name: `a read past the reader by ${module} in chat/`,
      file: `language-server/chat/r${index}.ts`,
      source: readingBy(module),
      rules: [imports],
    },
    {
      name: `a read past the reader by ${module} in the command line`,
      file: `language-server/cli/r${index}.ts`,
      source: readingBy(module),
      rules: [imports],
    },
    {
      name: `all of ${module} in the server`,
      file: `language-server/all${index}.ts`,
      source: importing(module),
      rules: [imports],
    },
    {
      name: `a read by ${module} in the engine, whose files are our own`,
      file: `language-server/engine/r${index}.ts`,
      source: readingBy(module),
      rules: [],
    },
  ]),
  {
    name: 'a network module in chat/, where reading is restricted as well',
    file: 'language-server/chat/n.ts',
    source: importing('node:net'),
    rules: [imports],
  },
  {
    name: 'reading in the reader',
    file: 'language-server/index/discover/read-file.ts',
    source: readingBy('node:fs/promises'),
    rules: [],
  },
  {
    name: 'looking at a folder in the server',
    file: 'language-server/index/l.ts',
    source: "import { readdir, stat } from 'node:fs/promises';\n\nexport const it = [readdir, stat];\n",
    rules: [],
  },
  {
    name: 'any',
    file: 'language-server/engine/a.ts',
    source: 'export const one: any = 1;\n',
    rules: ['lint/suspicious/noExplicitAny'],
  },
  {
    name: 'the console in the server, whose stdout is the protocol',
    file: 'language-server/f.ts',
    source: "console.log('x');\n",
    rules: [console_],
  },
  {
    name: 'the console in the command line, whose printer shows what is hidden',
    file: 'language-server/cli/console.ts',
    source: "console.error('x');\n",
    rules: [console_],
  },
  ...[
    "process.stdout.write('x');",
    "process.stderr.write('x');",
    "process['stdout'].write('x');",
    "process?.stderr.write('x');",
    "globalThis.process.stdout.write('x');",
    "const { stdout } = process;\nstdout.write('x');",
    "import { stdout } from 'node:process';\n\nstdout.write('x');",
    "import * as log from 'node:console';\n\nlog.log('x');",
    "export const file = '/dev/stdout';",
    "export const file = '/dev/tty';",
  ].flatMap((source, index): Snippet[] => [
    {
      name: `${JSON.stringify(source)} in the command line`,
      file: `language-server/cli/s${index}.ts`,
      source: `${source}\n`,
      rules: [plugin],
    },
    {
      name: `${JSON.stringify(source)} in models/`,
      file: `language-server/models/s${index}.ts`,
      source: `${source}\n`,
      rules: [plugin],
    },
  ]),
  {
    name: 'the streams in the one printer',
    file: 'language-server/cli/output.ts',
    source: "process.stdout.write('x');\nprocess.stderr.write('x');\n",
    rules: [],
  },
  {
    name: "the streams in the protocol's pipe",
    file: 'language-server/server/stdio.ts',
    source: "const { stdout } = process;\nstdout.write('x');\n",
    rules: [],
  },
  {
    name: 'the streams of a program that was started',
    file: 'language-server/started.ts',
    source: "export const pipe = (child: { stdout: { on(name: string): void } }) => child.stdout.on('data');\n",
    rules: [],
  },
  ...[
    "vscode.window.showErrorMessage('x');",
    "vscode.window['showWarningMessage']('x');",
    "const { showInformationMessage } = vscode.window;\nshowInformationMessage('x');",
    "const { showInformationMessage: tell } = vscode.window;\ntell('x');",
    "vscode.window.setStatusBarMessage('x');",
  ].map(
    (source, index): Snippet => ({
      name: `${JSON.stringify(source)} in the extension`,
      file: `extension/chat/m${index}.ts`,
      source: `import * as vscode from 'vscode';\n\n${source}\n`,
      rules: [plugin],
    }),
  ),
  {
    name: 'messages in the one place that shows them',
    file: 'extension/notify.ts',
    source: "import * as vscode from 'vscode';\n\nvoid vscode.window.showErrorMessage('x');\n",
    rules: [],
  },
  {
    name: 'other windows of the editor in the extension',
    file: 'extension/chat/w.ts',
    source: "import * as vscode from 'vscode';\n\nvoid vscode.window.showQuickPick(['x']);\n",
    rules: [],
  },
  {
    name: 'vscode in a part of the extension that runs without it',
    file: 'extension/chat/session.ts',
    source: importing('vscode'),
    rules: [plugin],
  },
  {
    name: 'a type of vscode in a part of the extension that runs without it',
    file: 'extension/edits/fit.ts',
    source: "import type { Uri } from 'vscode';\n\nexport type It = Uri;\n",
    rules: [plugin],
  },
  {
    name: 'a floating promise',
    file: 'language-server/g.ts',
    source:
      'export async function work(): Promise<void> {\n  await Promise.resolve();\n}\n\nexport function start(): void {\n  work();\n}\n',
    rules: [floating],
  },
  {
    name: 'a floating promise of another file',
    file: 'language-server/h.ts',
    source: "import { work } from './g';\n\nexport function start(): void {\n  work();\n}\n",
    rules: [floating],
  },
  {
    name: 'a promise that is awaited',
    file: 'language-server/i.ts',
    source: "import { work } from './g';\n\nexport async function start(): Promise<void> {\n  await work();\n}\n",
    rules: [],
  },
];

const root = path.resolve(import.meta.dirname, '..', '..', '..');
let folder = '';
const found = new Map<string, string[]>();

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-layers-'));
  for (const name of ['biome.json', '.gitignore', 'scripts/lint']) {
    cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  }
  for (const { file, source } of snippets) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), source);
  }
  const biome = path.join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome');
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [biome, 'lint', '--reporter=rdjson', '--max-diagnostics=none', '.'],
    { cwd: folder, maxBuffer: 1e7 },
  ).catch((error: { stdout: string }) => error);
  interface Report {
    readonly diagnostics: readonly {
      readonly code?: { readonly value: string };
      readonly location: { readonly path: string; readonly range?: { readonly start: { readonly line: number } } };
    }[];
  }
  const report = JSON.parse(stdout) as Report;
  const lineOf = ({ location }: Report['diagnostics'][number]) => location.range?.start.line ?? 0;
  for (const { code, location } of report.diagnostics.toSorted((left, right) => lineOf(left) - lineOf(right))) {
    if (!code) continue;
    const rules = found.get(location.path) ?? [];
    rules.push(code.value);
    found.set(location.path, rules);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the parts of the extension that run without the editor', () => {
  interface Configuration {
    readonly overrides: readonly { readonly includes: readonly string[]; readonly plugins?: readonly string[] }[];
  }
  const { overrides } = JSON.parse(readFileSync(path.join(root, 'biome.json'), 'utf8')) as Configuration;
  const pure = overrides.find(({ plugins }) => plugins?.includes('./scripts/lint/no-editor.grit'))?.includes ?? [];

  it.each(pure)('%s imports only others of them and the protocol', (file) => {
    const source = readFileSync(path.join(root, file), 'utf8');
    const modules = [...source.matchAll(/\bfrom '(\.[^']+)'/g)].map(([, module = '']) => module);
    const targets = modules.map((module) => `${path.posix.join(path.posix.dirname(file), module)}.ts`);
    const others = targets.filter((target) => !target.startsWith('language-server/protocol/'));
    expect(others.filter((target) => !pure.includes(target))).toEqual([]);
  });
});

describe('layer rules', () => {
  for (const { name, file, rules } of snippets) {
    it(`${rules.length > 0 ? 'refuse' : 'allow'} ${name}`, () => {
      expect(found.get(file) ?? []).toEqual(rules);
    });
  }
});
