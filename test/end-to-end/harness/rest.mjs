import { readFileSync } from 'node:fs';
import { descendants } from './process-tree.mjs';

/** Clock ticks of Linux in a second. */
const ticks = 100;

/**
 * Processor time of the language server and of the extension host while nothing happens, as a share of one core.
 * @param {number} ancestor process of the editor host
 * @param {number} milliseconds
 * @returns {Promise<{what: string, share: number}[]>}
 */
export async function cpuShareAtRest(ancestor, milliseconds) {
  const watched = [
    ['server', /fasa-code[^ ]*\/dist\/server\.js/],
    ['extension host', /--type=extensionHost/],
  ].flatMap(([what, pattern]) =>
    descendants(ancestor, pattern)
      .slice(-1)
      .map((id) => ({ what, id })),
  );
  // what the last keys have started ends first: measuring in idle time, saving of states
  await new Promise((resolve) => setTimeout(resolve, 30_000));
  const before = watched.map(({ id }) => cpuSeconds(id));
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  const seconds = (performance.now() - started) / 1000;
  return watched.map(({ what, id }, index) => ({ what, share: (cpuSeconds(id) - before[index]) / seconds }));
}

/** User and system time of a process. */
function cpuSeconds(id) {
  const stat = readFileSync(`/proc/${id}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}
