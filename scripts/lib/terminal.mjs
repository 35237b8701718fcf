const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
/** A step that is shorter than this many milliseconds only shows its result. */
const QUIET_MS = 1000;
/** Milliseconds between two progress lines if the output is a file or a pipe. */
const LINE_EVERY_MS = 5000;

const animated = Boolean(process.stdout.isTTY) && process.env['TERM'] !== 'dumb' && !process.env['CI'];

// The reader of our output went away (`npm run setup | head`), which is no reason for a stack trace.
process.stdout.on('error', (error) => {
  if ('code' in error && error.code === 'EPIPE') process.exit(1);
  throw error;
});

/**
 * @typedef {object} Progress
 * @property {(detail: string, share?: number) => void} say what is being done; share: 0 to 1 of the step, if known
 */

/**
 * One step of a script: says what it does, shows progress while it lasts, ends with one line.
 * @param {string} title
 * @param {(progress: Progress) => Promise<string> | string} work answers what there is now: "ok (already there)"
 */
export async function step(title, work) {
  const started = Date.now();
  let detail = '';
  let share;
  let frame = 0;
  let lastLine = started + QUIET_MS - LINE_EVERY_MS;
  let lastText = '';
  const text = () => `${detail}${share === undefined ? '' : ` ${Math.floor(share * 100)} %`}`.trim();
  const draw = () => {
    const line = `${FRAMES[frame++ % FRAMES.length]} ${title}: ${text() || 'working'}`;
    process.stdout.write(`\r\x1b[2K${line.slice(0, (process.stdout.columns || 80) - 1)}`);
  };
  const line = () => {
    if (Date.now() - lastLine < LINE_EVERY_MS || text() === lastText) return;
    lastLine = Date.now();
    lastText = text();
    process.stdout.write(`${title}: ${lastText || 'working'} ...\n`);
  };
  const timer = setInterval(animated ? draw : line, animated ? 100 : 250);
  try {
    const result = await work({
      say(newDetail, newShare) {
        detail = newDetail;
        share = newShare;
      },
    });
    const seconds = (Date.now() - started) / 1000;
    const took = seconds >= QUIET_MS / 1000 ? ` (${seconds.toFixed(1)} s)` : '';
    process.stdout.write(`${animated ? '\r\x1b[2K' : ''}${title}: ${result}${took}\n`);
  } catch (error) {
    process.stdout.write(`${animated ? '\r\x1b[2K' : ''}${title}: failed\n`);
    throw error;
  } finally {
    clearInterval(timer);
  }
}

/** Formats bytes like 12.3 MB, in powers of ten, as package managers do. */
export function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}
