/** The hub as the command line reaches it. */

import { type HubOptions, hubOptions } from '../../models/hub/options';
import type { CommandLine } from '../arguments';
import type { Output } from '../output';

export function hubOf(line: CommandLine): HubOptions {
  return hubOptions({ endpoint: line.mirror ?? '', proxy: line.proxy ?? '' });
}

/** Why nothing comes for a while. */
export function onWaitOf(output: Output): (reason: string, ms: number) => void {
  return (reason, ms) => {
    if (ms >= 1000) {
      output.message(`${reason}; trying again in ${Math.round(ms / 1000)} s`);
    }
  };
}
