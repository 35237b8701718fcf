/** What is said of models and downloads, in the same words on the command line and in the editor. */

import { formatBytes, formatCount } from './format';
import type { DownloadProgress, Fit, StoreKind } from './models';

/** Of the stores, as people know them. */
export const storeTitles: Readonly<Record<StoreKind, string>> = {
  own: 'FASA Code',
  ollama: 'Ollama',
  'lm-studio': 'LM Studio',
  'llama.cpp': 'llama.cpp',
  'hugging-face': 'Hugging Face cache',
  folder: 'Folder',
};

/** One sentence, with the figure. */
export function describeFit(fit: Fit): string {
  const { kind, contextTokens, wantedTokens } = fit;
  const needed = needs(fit);
  switch (kind) {
    case 'fits':
      return `fits: ${needed} with ${formatCount(contextTokens)} tokens of context, and ${free(fit)}`;
    case 'less-context':
      return `fits with less context: ${needed} with ${formatCount(contextTokens)} tokens instead of ${formatCount(wantedTokens)}, and ${free(fit)}`;
    case 'does-not-fit':
      return `does not fit: ${needed} with the least context, and ${free(fit)}`;
  }
}

function needs({ hostBytes, deviceBytes }: Fit): string {
  return deviceBytes > 0
    ? `needs about ${formatBytes(deviceBytes)} of the GPU and ${formatBytes(hostBytes)} of memory`
    : `needs about ${formatBytes(hostBytes)} of memory`;
}

function free({ tier, hostAvailable, deviceAvailable }: Fit): string {
  return tier === 'cpu'
    ? `${formatBytes(hostAvailable)} are free`
    : `${formatBytes(deviceAvailable)} of the GPU and ${formatBytes(hostAvailable)} are free`;
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
