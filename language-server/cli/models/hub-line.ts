/** The hub as the command line reaches it, and a download as it shows one. */

import { type HubOptions, hubOptions } from '../../models/hub/options';
import { formatBytes } from '../../protocol/format';
import type { DownloadProgress } from '../../protocol/models';
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

export function describeProgress({ doneBytes, totalBytes, bytesPerSecond, secondsLeft }: DownloadProgress): string {
  const of =
    totalBytes === undefined ? formatBytes(doneBytes) : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  const speed = bytesPerSecond === undefined ? '' : `, ${formatBytes(bytesPerSecond)}/s`;
  return `${of}${speed}${secondsLeft === undefined ? '' : `, ${describeSeconds(secondsLeft)} left`}`;
}

function describeSeconds(seconds: number): string {
  if (seconds < 60) {
    return `${Math.ceil(seconds)} s`;
  }
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
