import { readdirSync, readFileSync } from 'node:fs';

/** Parent of every process of this machine (Linux), by process id. */
function parents() {
  const found = new Map();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // "pid (name) state parent ...": the name may hold spaces and parentheses.
      found.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // Ended while we looked.
    }
  }
  return found;
}

/**
 * The processes below one whose command line ends in these arguments or holds this text.
 * @param {number} ancestor
 * @param {RegExp} commandLine
 */
export function descendants(ancestor, commandLine) {
  const parent = parents();
  const isBelow = (id) => {
    for (let at = parent.get(id); at; at = parent.get(at)) if (at === ancestor) return true;
    return false;
  };
  return [...parent.keys()].filter(isBelow).filter((id) => {
    try {
      return commandLine.test(readFileSync(`/proc/${id}/cmdline`, 'utf8').replaceAll('\0', ' '));
    } catch {
      return false;
    }
  });
}
