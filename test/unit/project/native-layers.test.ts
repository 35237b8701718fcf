/**
 * What each folder of native/ may include (docs/architecture.md): arrows point to what is below, kernels know no ggml, and
 * nothing includes the laboratory's sources (bench/native/), which may include anything.
 */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const native = path.resolve(import.meta.dirname, '..', '..', '..', 'native');

const allowed: Readonly<Record<string, readonly string[]>> = {
  addon: ['addon', 'engine', 'graph', 'attention', 'kv', 'model', 'kernels', 'base', 'ggml', 'napi'],
  engine: ['engine', 'graph', 'attention', 'kv', 'model', 'kernels', 'base', 'ggml'],
  graph: ['graph', 'attention', 'kv', 'model', 'kernels', 'base', 'ggml'],
  attention: ['attention', 'kv', 'model', 'kernels', 'base', 'ggml'],
  kv: ['kv', 'model', 'kernels', 'base', 'ggml'],
  model: ['model', 'base', 'ggml'],
  kernels: ['kernels', 'base'],
  base: ['base', 'ggml'],
};

/** Lines of a source that its folder may not have. A header of ours is named from native/ on, in quotes. */
function refused(file: string, source: string): string[] {
  const arrows = allowed[file.split('/')[0] ?? ''] ?? [];
  return source.split('\n').filter((line) => {
    const [, mark, name = ''] = /^\s*#\s*include\s*(["<])([^">]+)/.exec(line) ?? [];
    const outside = /^(?:ggml|gguf|llama)\b/.test(name) ? 'ggml' : /^(?:napi|node_api|js_native_api)\b/.exec(name)?.[0];
    const target = outside ?? name.split('/')[0] ?? '';
    return mark === '"' || outside !== undefined || target in allowed || target === 'bench'
      ? !arrows.includes(target)
      : false;
  });
}

const files = readdirSync(native, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.(?:cc|h)$/.test(file));

test('each source stands in a folder of the list, and each folder has some', () => {
  expect([...new Set(files.map((file) => file.split('/')[0]))].toSorted()).toEqual(Object.keys(allowed).toSorted());
});

test('no source includes what is above it', () => {
  const found = files.map((file) => [file, refused(file, readFileSync(path.join(native, file), 'utf8'))] as const);
  expect(found.filter(([, lines]) => lines.length > 0)).toEqual([]);
});

test.each([
  ['kv/cache.h', '#include "attention/attention.h"'],
  ['model/model.cc', '#  include "kernels/kernels.h"'],
  ['kernels/kernels.cc', '#include "ggml.h"'],
  ['kernels/kernels.cc', '#include <ggml-cpu.h>'],
  ['engine/worker.cc', '#include <napi.h>'],
  ['base/hash.cc', '#include "../kv/chunk.h"'],
  ['graph/graph.cc', '#include <engine/sequence.h>'],
  ['addon/addon.cc', '#include "bench/native/policy.h"'],
  ['engine/sequence.cc', '#include <bench/native/evaluate.h>'],
  ['engine/sequence.cc', '#include "../../bench/native/evaluate.h"'],
  ['new_folder/a.cc', '#include "base/error.h"'],
])('%s may not have %s', (file, line) => {
  expect(refused(file, `#include <vector>\n#include "base/error.h"\n${line}\n`)).toContain(line);
});
