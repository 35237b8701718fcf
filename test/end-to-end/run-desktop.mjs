// npm run test:desktop: the tests of suite/ in desktop VS Code. It downloads VS Code, except with
// VSCODE_EXECUTABLE=/path/to/code; VSCODE_VERSION chooses another version than the newest stable one.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { main } from '../../scripts/lib/failure.mjs';
import { readJson } from '../../scripts/lib/files.mjs';
import { out, root } from '../../scripts/lib/paths.mjs';
import { modelFile } from './harness/model.mjs';
import { Record } from './harness/record.mjs';
import { placeRepository } from './harness/repository.mjs';
import { bundleSuite } from './harness/suite-bundle.mjs';
import { defaultUserSettings } from './harness/user-settings.mjs';

await main(async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'fd-'));
  const resultFile = path.join(out, 'end-to-end', 'desktop-tests.json');
  const record = new Record();
  rmSync(resultFile, { force: true });
  mkdirSync(path.dirname(resultFile), { recursive: true });
  try {
    const workspace = path.join(folder, 'express');
    await placeRepository(workspace);
    const settings = path.join(folder, 'ud', 'User', 'settings.json');
    mkdirSync(path.dirname(settings), { recursive: true });
    writeFileSync(settings, JSON.stringify({ ...defaultUserSettings, 'fasa.modelPath': modelFile() }));
    const executable = process.env['VSCODE_EXECUTABLE'];
    const version = process.env['VSCODE_VERSION'];
    // The model is chosen by a setting, so that a test can take it away.
    delete process.env['FASA_MODEL'];
    const code = await runTests({
      ...(executable ? { vscodeExecutablePath: executable } : {}),
      ...(version ? { version } : {}),
      extensionDevelopmentPath: root,
      extensionTestsPath: await bundleSuite(),
      extensionTestsEnv: { FASA_TEST_RESULT: resultFile },
      launchArgs: [
        workspace,
        '--disable-extensions',
        '--disable-workspace-trust',
        '--skip-welcome',
        '--skip-release-notes',
        `--user-data-dir=${path.join(folder, 'ud')}`,
        `--extensions-dir=${path.join(folder, 'ext')}`,
        // A container's root user has no sandbox.
        ...(process.platform === 'linux' && process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      ],
    }).catch((error) => {
      process.stderr.write(`${error.message}\n`);
      return 1;
    });
    for (const test of readJson(resultFile) ?? []) record.add(test.name, test.ok, test.ms, test.error);
    if (code !== 0 && record.failed === 0) record.add('desktop VS Code', false, 0, `It ended with code ${code}.`);
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
  process.stdout.write(`${record.tests.length - record.failed} passed, ${record.failed} failed\n`);
  return record.failed > 0 ? 1 : 0;
});
