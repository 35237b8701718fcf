import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** The tests of a run, in order. A failed one does not stop the others, except where they say so. */
export class Record {
  /** @type {{name: string, ok: boolean, ms: number, error?: string}[]} */
  tests = [];

  add(name, ok, ms, error) {
    this.tests.push({ name, ok, ms: Math.round(ms), ...(error === undefined ? {} : { error }) });
    process.stdout.write(`${ok ? 'ok' : 'NOT OK'}  ${name} (${(ms / 1000).toFixed(1)} s)\n`);
    if (error !== undefined) process.stdout.write(`${error.replace(/^/gm, '        ')}\n`);
  }

  /**
   * @param {string} name
   * @param {() => Promise<unknown>} work a text that it returns is printed with the result
   * @returns {Promise<boolean>} whether it passed
   */
  async test(name, work) {
    const started = performance.now();
    try {
      const said = await work();
      this.add(name, true, performance.now() - started);
      if (typeof said === 'string') process.stdout.write(`        ${said}\n`);
      return true;
    } catch (error) {
      this.add(name, false, performance.now() - started, error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  get failed() {
    return this.tests.filter((test) => !test.ok).length;
  }

  write(file) {
    mkdirSync(path.dirname(file), { recursive: true });
    const { tests, failed } = this;
    writeFileSync(file, `${JSON.stringify({ passed: tests.length - failed, failed, tests }, null, 2)}\n`);
  }
}
