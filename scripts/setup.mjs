// npm run setup [-- --tests]
//
// Gets from a clone to `node dist/cli.js`: dependencies, headers, addon, bundles, default model. With --tests it also installs
// the kernel tests' addon, clang-format and clang-tidy, Chromium, the editor host and, if possible, a software Vulkan driver. A
// step that is done is skipped, and all steps can be interrupted and repeated. Only Node's own modules are imported before the
// dependencies exist.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { main } from './lib/failure.mjs';
import { step } from './lib/terminal.mjs';
import { setUpDependencies } from './setup/dependencies.mjs';
import { setUpHeaders } from './setup/headers.mjs';
import { checkMachine } from './setup/machine.mjs';
import { setUpModel } from './setup/model.mjs';

/** @param {{tests?: boolean}} [options] */
export async function setUp({ tests = false } = {}) {
  await step('machine', () => checkMachine({ tests }));
  await step('dependencies', setUpDependencies);
  await step('headers', setUpHeaders);
  const { buildAddon } = await import('./build-addon.mjs');
  await step('addon', ({ say }) => buildAddon({ tests, say }));
  const { bundle } = await import('./bundle.mjs');
  await step('bundles', bundle);
  await step('model', setUpModel);
  if (!tests) return;
  const { setUpClang } = await import('./setup/clang.mjs');
  await step('clang', setUpClang);
  const { setUpChromium } = await import('./setup/chromium.mjs');
  await step('chromium', setUpChromium);
  const { setUpEditorHost } = await import('./setup/editor-host.mjs');
  await step('editor host', setUpEditorHost);
  const { setUpVulkan } = await import('./setup/vulkan.mjs');
  await step('vulkan', setUpVulkan);
}

if (path.resolve(process.argv[1] ?? '') === import.meta.filename) {
  await main(async () => {
    const { values } = parseArgs({ options: { tests: { type: 'boolean' } } });
    await setUp({ tests: values.tests ?? false });
  });
}
