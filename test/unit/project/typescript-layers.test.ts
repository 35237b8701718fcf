/**
 * What each folder of TypeScript may import (docs/architecture.md): the table is the rule, arrows point to what stands
 * above in it, and imports of types count as well.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '..', '..', '..');

interface Layer {
  /** A folder with all that is below it, or a file. */
  readonly path: string;
  /** Folders and files that it may import, beside itself. */
  readonly uses: readonly string[];
  /** Whether it may import the library of the language server protocol. */
  readonly lsp?: boolean;
}

const protocol = 'language-server/protocol';
const base = 'language-server/base';
const engine = 'language-server/engine';
const models = 'language-server/models';
const lsp = 'language-server/lsp';
const index = 'language-server/index';
const features = ['language-server/completion', 'language-server/chat', 'language-server/meter'];
const server = 'language-server/server';
const cli = 'language-server/cli';

/** Functions of the protocol that know no message: limits, checks, and how text is cut and shown. */
const pure = ['cut', 'format', 'hidden', 'hidden-characters', 'limits', 'thoughts', 'validate'].map(
  (name) => `${protocol}/${name}.ts`,
);

/** From the bottom to the top. */
const layers: readonly Layer[] = [
  { path: protocol, uses: [] },
  { path: base, uses: [...pure, 'package.json'] },
  // the engine has settings, states and problems of its own: it knows no message of the protocol
  { path: engine, uses: [base, ...pure] },
  { path: models, uses: [base, protocol, engine] },
  // what features share of the editor's protocol
  { path: lsp, uses: [base, protocol, engine], lsp: true },
  { path: index, uses: [base, protocol, engine, lsp], lsp: true },
  // features know neither each other nor the server
  ...features.map((feature): Layer => ({ path: feature, uses: [base, protocol, engine, index, lsp], lsp: true })),
  { path: server, uses: [base, protocol, engine, models, index, lsp, ...features], lsp: true },
  { path: 'language-server/main.ts', uses: [base, engine, server], lsp: true },
  { path: cli, uses: [base, protocol, engine, models, index, ...features, server] },
  { path: 'language-server/cli.ts', uses: [base, cli] },
  { path: 'extension', uses: [protocol, 'package.json'] },
  { path: 'media', uses: [protocol] },
  // nothing that ships knows the laboratory
  { path: 'bench', uses: ['language-server', 'scripts', 'package.json'] },
];

function isIn(file: string, place: string): boolean {
  return file === place || file.startsWith(`${place}/`);
}

/** @returns files of the project with their endings, and names of packages */
function importsOf(file: string, source: string): string[] {
  const found = source.matchAll(/\b(?:from|import)\s*\(?\s*(['"])([^'"\n]+)\1/g);
  return [...found].map(([, , name = '']) => {
    if (!name.startsWith('.')) {
      return name;
    }
    const target = path.posix.join(path.posix.dirname(file), name);
    return /\.(?:mjs|json|css|ts)$/.test(target) ? target : `${target}.ts`;
  });
}

/** The imports of a source that its layer may not have. */
function refused(file: string, source: string): string[] {
  const layer = layers.find((one) => isIn(file, one.path));
  return importsOf(file, source).filter((target) => {
    if (/^vscode-(?:languageserver(?!-textdocument)|jsonrpc)/.test(target)) {
      return layer?.lsp !== true && isIn(file, 'language-server');
    }
    const isOurs = [
      ...layers.map((one) => one.path.split('/')[0] ?? ''),
      'scripts',
      'test',
      'native',
      'package.json',
    ].some((top) => isIn(target, top));
    return isOurs && ![layer?.path ?? '', ...(layer?.uses ?? [])].some((place) => isIn(target, place));
  });
}

const files = ['language-server', 'extension', 'media', 'bench'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => `${folder}/${file.replaceAll('\\', '/')}`)
    .filter((file) => /\.(?:ts|mjs)$/.test(file)),
);

test('each source stands in a layer of the table, and each layer has some', () => {
  expect(files.filter((file) => !layers.some((layer) => isIn(file, layer.path)))).toEqual([]);
  expect(layers.filter((layer) => !files.some((file) => isIn(file, layer.path)))).toEqual([]);
});

test('layers use what stands above them in the table alone, so that they form no circle', () => {
  const tops = layers.map((layer) => layer.path);
  const upward = layers.flatMap(({ path: own, uses }, at) =>
    uses.filter((used) => tops.slice(at).some((other) => isIn(used, other))).map((used) => `${own} -> ${used}`),
  );
  expect(upward).toEqual([]);
});

test('no source imports what its layer may not use', () => {
  const found = files.map((file) => [file, refused(file, readFileSync(path.join(root, file), 'utf8'))] as const);
  expect(Object.fromEntries(found.filter(([, targets]) => targets.length > 0))).toEqual({});
});

test.each([
  ['language-server/protocol/limits.ts', "import { toLf } from '../base/text';"],
  ['language-server/base/errors.ts', "import type { NativeTask } from '../engine/native/addon';"],
  ['language-server/base/errors.ts', "import type { StatusProblem } from '../protocol/server';"],
  ['language-server/engine/model-host.ts', "import type { ServerSettings } from '../protocol/server';"],
  ['language-server/engine/model-host.ts', "import { engineSettings } from '../server/settings';"],
  ['language-server/engine/native/native-engine.ts', "import { IdleMeter } from '../../meter/idle-meter';"],
  ['language-server/engine/calibration/documents.ts', "import { walk } from '../../index/discover/walk';"],
  ['language-server/engine/engine.ts', "import type { Range } from 'vscode-languageserver/node';"],
  ['language-server/models/catalogue.ts', "import type { FolderIndex } from '../index/folder-index';"],
  ['language-server/models/catalogue.ts', "export * from 'vscode-languageserver-types';"],
  ['language-server/lsp/feature.ts', "import type { WorkspaceIndex } from '../index/workspace-index';"],
  ['language-server/index/feature.ts', "import { CompletionFeature } from '../completion/feature';"],
  ['language-server/completion/feature.ts', "import { isLoop } from '../chat/ask';"],
  ['language-server/completion/trigger/warm-up.ts', "import type { Status } from '../../server/status';"],
  ['language-server/completion/complete.ts', "import { resolveModel } from '../models/resolve-model';"],
  ['language-server/chat/ask.ts', "const later = import('../completion/complete');"],
  ['language-server/meter/feature.ts', "import { StatusReporter } from '../server/status';"],
  ['language-server/server/server.ts', "import { version } from '../cli/output';"],
  ['language-server/main.ts', "import { complete } from './cli/complete';"],
  ['language-server/cli/laboratory.ts', "import type { Score } from '../../bench/cross-file/score';"],
  ['language-server/cli/complete.ts', "import type { CancellationToken } from 'vscode-jsonrpc';"],
  ['language-server/cli.ts', "import { serve } from './server/server';"],
  ['extension/main.ts', "import { defaultSettings } from '../language-server/server/settings';"],
  ['extension/chat/view.ts', "import type { Answer } from '../../media/chat/answer-view';"],
  ['media/chat/main.ts', "import { Session } from '../../extension/chat/session';"],
  ['media/chat/main.ts', "import { toLf } from '../../language-server/base/text';"],
  ['bench/speed/bench.ts', "import { activate } from '../../extension/main';"],
  ['bench/speed/bench.ts', "import '../../test/unit/typist';"],
  ['language-server/new-folder/a.ts', "import { toLf } from '../base/text';"],
])('%s may not have: %s', (file, line) => {
  const allowed = "import path from 'node:path';\nimport { own } from './own';\n";
  expect(refused(file, `${allowed}${line}\n`).filter((target) => !target.endsWith('/own.ts'))).toHaveLength(1);
});

test('every kind of import is read', () => {
  const source = [
    "import a from './a';",
    "import type { B } from '../b';",
    "import {\n  type C,\n} from './c.mjs';",
    "export * from './d';",
    "const e = await import('./e');",
    "import './f.css';",
    "import g from 'g';",
  ].join('\n');
  const targets = ['x/y/a.ts', 'x/b.ts', 'x/y/c.mjs', 'x/y/d.ts', 'x/y/e.ts', 'x/y/f.css', 'g'];
  expect(importsOf('x/y/own.ts', source)).toEqual(targets);
});
