/** Figures as words. Bytes in decimal units, as disks and downloads are sold; percent rounded down, never up. */

const counts = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** 9,999 in full, 12.3K above. */
export function formatCount(count: number): string {
  return count < 10_000 ? counts.format(count) : compact.format(count);
}

export function formatPercent(share: number): string {
  return `${Math.floor(share * 100)} %`;
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/**
 * Text from outside (a model's name, an error's path) as Markdown that shows it as it is: on one line, no markup, no
 * link, no codicon, no table cell of its own.
 */
export function plainMarkdown(text: string, maxLength = 200): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const cut = line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
  return cut.replace(/[\\`*_{}[\]()#+\-.!|<>~$&:@]/g, '\\$&');
}
