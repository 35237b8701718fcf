/** Draws the plots as one SVG file for reports: on white, in colours that differ in lightness as well as in hue. */

import type { BytesSample, SpeedSample } from '../../language-server/protocol/dashboard-page';
import { formatBytes, formatCount, formatMs } from '../../language-server/protocol/format';

interface Series {
  readonly name: string;
  readonly colour: string;
  readonly dash: string;
  readonly values: readonly number[];
}

interface PlotParts {
  readonly title: string;
  readonly x: readonly number[];
  readonly series: readonly Series[];
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
  readonly points: boolean;
}

const size = { width: 720, height: 280, left: 80, right: 20, top: 50, bottom: 40 };

/** Leaves out plots without samples. @returns undefined when no plot is left */
export function dashboardSvg(bytes: readonly BytesSample[], speeds: readonly SpeedSample[]): string | undefined {
  const sorted = [...speeds].sort((left, right) => left.atTokens - right.atTokens);
  const plots: PlotParts[] = [
    {
      title: 'Memory over time',
      x: bytes.map(({ at }) => at),
      series: [
        { name: 'dense f16 would take', colour: '#b00020', dash: '', values: bytes.map(({ fullBytes }) => fullBytes) },
        { name: 'in memory', colour: '#1f4e9e', dash: '8 3', values: bytes.map(({ fastBytes }) => fastBytes) },
        { name: 'offloaded', colour: '#1b7f3b', dash: '2 3', values: bytes.map(({ slowBytes }) => slowBytes) },
      ],
      formatX: (value) => new Date(value).toISOString().slice(11, 19),
      formatY: formatBytes,
      points: false,
    },
    {
      title: 'Time per token by cached tokens',
      x: sorted.map(({ atTokens }) => atTokens),
      series: [
        { name: 'dense', colour: '#b00020', dash: '', values: sorted.map(({ denseMs }) => denseMs) },
        { name: 'FASA', colour: '#1f4e9e', dash: '8 3', values: sorted.map(({ fasaMs }) => fasaMs) },
      ],
      formatX: formatCount,
      formatY: formatMs,
      points: true,
    },
  ];
  const drawn = plots.filter(({ x }) => x.length > 0);
  if (drawn.length === 0) {
    return undefined;
  }
  const height = drawn.length * size.height;
  const body = drawn
    .map((plot, index) => `<g transform="translate(0 ${index * size.height})">${drawPlot(plot)}</g>`)
    .join('\n');
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${height}" viewBox="0 0 ${size.width} ${height}" font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="#ffffff"/>\n${body}\n</svg>\n`;
}

function drawPlot({ title, x, series, formatX, formatY, points }: PlotParts): string {
  const min = Math.min(...x);
  const max = Math.max(...x);
  const highest = Math.max(...series.flatMap(({ values }) => values), Number.MIN_VALUE) * 1.05;
  const width = size.width - size.left - size.right;
  const height = size.height - size.top - size.bottom;
  const atX = (value: number) => round(size.left + (max > min ? (value - min) / (max - min) : 0.5) * width);
  const atY = (value: number) => round(size.top + height - (value / highest) * height);
  const parts = [`<text x="${size.left}" y="18" font-size="14" font-weight="bold">${title}</text>`];
  for (let step = 0; step <= 4; step++) {
    const value = (highest * step) / 4;
    parts.push(
      `<line x1="${size.left}" x2="${size.width - size.right}" y1="${atY(value)}" y2="${atY(value)}" stroke="#dddddd"/>`,
      `<text x="${size.left - 6}" y="${atY(value) + 4}" text-anchor="end">${formatY(value)}</text>`,
    );
  }
  for (const value of max > min ? [min, (min + max) / 2, max] : [min]) {
    parts.push(
      `<text x="${atX(value)}" y="${size.height - 16}" text-anchor="middle">${formatX(Math.round(value))}</text>`,
    );
  }
  for (const [index, { name, colour, dash, values }] of series.entries()) {
    const path = values.map((value, at) => `${at === 0 ? 'M' : 'L'}${atX(x[at] ?? 0)} ${atY(value)}`).join('');
    const left = size.left + index * 180;
    parts.push(
      `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash || 'none'}"/>`,
      `<line x1="${left}" x2="${left + 24}" y1="34" y2="34" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash || 'none'}"/>`,
      `<text x="${left + 30}" y="38">${name}</text>`,
    );
    if (points || values.length === 1) {
      parts.push(
        ...values.map((value, at) => `<circle cx="${atX(x[at] ?? 0)}" cy="${atY(value)}" r="3.5" fill="${colour}"/>`),
      );
    }
  }
  return parts.join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
