/** Figures as short words, for the status item, its tooltip and the trees; percent rounded down, never up. */

const counts = new Intl.NumberFormat('en-US');
const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

/** 9,999 in full, 12.3K above. */
export function formatCount(count: number): string {
  return count < 10_000 ? counts.format(count) : compact.format(count);
}

export function formatPercent(share: number): string {
  return `${Math.floor(share * 100)} %`;
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
