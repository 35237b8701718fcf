import { readdirSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { out, root } from '../../../scripts/lib/paths.mjs';

/** Compiles the tests that run inside the extension host; answers the path of the module with run(). */
export async function bundleSuite() {
  const sources = path.join(root, 'test', 'end-to-end', 'suite');
  const outdir = path.join(out, 'end-to-end', 'suite');
  await build({
    entryPoints: readdirSync(sources)
      .filter((name) => name === 'index.ts' || name.endsWith('.test.ts'))
      .map((name) => path.join(sources, name)),
    outdir,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    sourcemap: 'linked',
    // Mocha is found by walking up from out/ to the project's node_modules.
    external: ['vscode', 'mocha'],
    logLevel: 'warning',
  });
  return path.join(outdir, 'index.js');
}
