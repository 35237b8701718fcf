/** Whether the machine runs on battery, which encoding a repository would drain. Unknown counts as no. */

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

/** Never rejects. */
export async function onBattery(
  platform: NodeJS.Platform = process.platform,
  suppliesFolder = '/sys/class/power_supply',
): Promise<boolean> {
  if (platform === 'linux') {
    return suppliesSayBattery(suppliesFolder);
  }
  return platform === 'darwin' ? saysBattery(await output('/usr/bin/pmset', ['-g', 'batt'])) : false;
}

/** Reads the output of `pmset -g batt`: its first line is `Now drawing from 'Battery Power'` or `'AC Power'`. */
export function saysBattery(text: string): boolean {
  return text.includes("'Battery Power'");
}

/**
 * Linux: a battery of the system that discharges, while no mains supply is online. Batteries of mice and the like have
 * scope `Device` (Documentation/ABI/testing/sysfs-class-power).
 */
async function suppliesSayBattery(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch(() => []);
  const read = async (name: string, fact: string) =>
    (await readFile(path.join(folder, name, fact), 'utf8').catch(() => '')).trim();
  let discharging = false;
  for (const name of names) {
    const type = await read(name, 'type');
    if ((type === 'Mains' || type === 'USB') && (await read(name, 'online')) === '1') {
      return false;
    }
    if (type === 'Battery' && (await read(name, 'scope')) !== 'Device') {
      discharging ||= (await read(name, 'status')) === 'Discharging';
    }
  }
  return discharging;
}

function output(command: string, argv: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(command, [...argv], { timeout: 2000, encoding: 'utf8' }, (_error, stdout) => resolve(stdout));
  });
}
