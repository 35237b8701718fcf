/** Runs inside the extension host: VS Code calls run(), the same in code-server and on a desktop. */
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import Mocha from 'mocha';

interface TestResult {
  readonly name: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly error?: string;
}

export async function run(): Promise<void> {
  const mocha = new Mocha({ ui: 'bdd', timeout: 120_000, color: false, reporter: 'min' });
  for (const file of ['activation', 'completion', 'native-chat', 'server-life']) {
    mocha.addFile(path.join(__dirname, `${file}.test.js`));
  }
  const tests: TestResult[] = [];
  const failures = await new Promise<number>((resolve) => {
    const runner = mocha.run(resolve);
    const add = (test: Mocha.Runnable, error?: unknown) => {
      const text =
        error === undefined ? {} : { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
      const result = { name: test.fullTitle(), ok: error === undefined, ms: test.duration ?? 0, ...text };
      tests.push(result);
      console.log(`${result.ok ? 'ok' : 'NOT OK'}  ${result.name}${'error' in result ? `\n${result.error}` : ''}`);
    };
    runner.on('pass', (test) => add(test));
    runner.on('fail', (test, error) => add(test, error));
  });
  // The console of a remote extension host is not the terminal of the one who waits.
  const file = process.env['FASA_TEST_RESULT'];
  if (file) {
    writeFileSync(file, JSON.stringify(tests));
  }
  if (failures > 0 || tests.length === 0) {
    throw new Error(`${failures} of ${tests.length} tests failed.`);
  }
}
