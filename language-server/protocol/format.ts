/** Formats figures. Bytes are in decimal units, like sizes of disks and downloads. */

const counts = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** Formats a count in full, for tables, plots and sentences. */
export function formatCount(value: number): string {
  return counts.format(value);
}

/** Formats a count for narrow places: in full up to 9,999, then as 12.3K. */
export function formatCompact(value: number): string {
  return value < 10_000 ? counts.format(value) : compact.format(value);
}

/** Rounds a share down, so that nothing looks complete that is not. */
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
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
}

export function formatMs(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
