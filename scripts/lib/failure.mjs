/**
 * A failure that one sentence explains: what is missing and what to do. It is printed without a stack trace;
 * `detail` (a tool's own output) comes before it.
 */
export class Failure extends Error {
  constructor(message, detail = '') {
    super(message);
    this.name = 'Failure';
    this.detail = detail;
  }
}

/** Runs a script's main function: exit code 1 and one sentence when it fails. */
export async function main(work) {
  try {
    process.exitCode = (await work()) ?? process.exitCode ?? 0;
  } catch (error) {
    if (error instanceof Failure) {
      if (error.detail) process.stderr.write(`${error.detail.trimEnd()}\n`);
      process.stderr.write(`${error.message}\n`);
    } else {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    }
    process.exitCode = 1;
  }
}
