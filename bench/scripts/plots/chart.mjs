// Shared by the plots: themes, axes, lines, and writing each as an SVG for light pages and one for dark pages.
import path from 'node:path';
import { writeAtomic } from '../../../scripts/lib/files.mjs';
import { root, shown } from '../../../scripts/lib/paths.mjs';

const docs = path.join(root, 'docs');
export const measured = path.join(docs, 'measured');

/** Colours with a contrast of 4.5 to the page, which also differ in lightness for people who do not see the hue. */
const THEMES = {
  light: { page: '#ffffff', ink: '#1f2328', faint: '#d0d7de', series: ['#59636e', '#0550ae', '#a40e26', '#6f42c1'] },
  dark: { page: '#0d1117', ink: '#e6edf3', faint: '#30363d', series: ['#9198a1', '#79c0ff', '#ff9492', '#d2a8ff'] },
};
const WIDTH = 760;
const HEIGHT = 420;
export const PLOT = { left: 64, right: 610, top: 56, bottom: 360 };

const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
export const text = (x, y, content, attributes = '') =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`;
export const round = (value) => Math.round(value * 10) / 10;

/** A scale from values to pixels. */
export const linear = (low, high, from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);
export const logarithmic = (low, high, from, to) => {
  const scale = linear(Math.log(low), Math.log(high), from, to);
  return (value) => scale(Math.log(value));
};

export function frame({ title, subtitle, xTitle, xTicks, yTicks, x, y }, theme) {
  const grid = yTicks.map(
    ([value, label]) =>
      `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${round(y(value))}" y2="${round(y(value))}" stroke="${theme.faint}"/>` +
      text(PLOT.left - 8, y(value) + 4, label, 'text-anchor="end"'),
  );
  const ticks = xTicks.map(([value, label]) => text(x(value), PLOT.bottom + 20, label, 'text-anchor="middle"'));
  return [
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${theme.page}"/>`,
    text(PLOT.left - 40, 24, title, 'font-size="16" font-weight="600"'),
    text(PLOT.left - 40, 43, subtitle, 'opacity="0.75"'),
    ...grid,
    ...ticks,
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 44, xTitle, 'text-anchor="middle"'),
  ];
}

export function picture(name, draw) {
  for (const [mode, theme] of Object.entries(THEMES)) {
    const { label, parts } = draw(theme);
    const file = path.join(docs, `${name}-${mode}.svg`);
    writeAtomic(
      file,
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${escaped(label)}" ` +
        `font-family="system-ui, sans-serif" font-size="13" fill="${theme.ink}">\n${parts.join('\n')}\n</svg>\n`,
    );
    process.stdout.write(`wrote ${shown(file)}\n`);
  }
}

/** Labels at the ends of lines, moved apart so that none covers another. */
export function endLabels(series) {
  const sorted = series.toSorted((a, b) => a.at - b.at);
  sorted.forEach((one, i) => {
    one.at = Math.max(one.at, (sorted[i - 1]?.at ?? Number.NEGATIVE_INFINITY) + 17);
  });
  return sorted.map(({ at, name, color }) =>
    text(PLOT.right + 10, at + 4, name, `style="fill:${color}" font-weight="600"`),
  );
}

/** Ticks from 0 on, at most seven. */
export function ticksTo(max) {
  const power = 10 ** Math.floor(Math.log10(max));
  const step =
    [0.1, 0.2, 0.25, 0.5, 1, 2, 2.5].map((part) => part * power).find((size) => max / size <= 6) ?? 5 * power;
  const top = Math.ceil(max / step) * step;
  return { top, ticks: Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step) };
}

/** Lines with points over one axis; `at` gives the pixels of a row's x. */
export function lines(rows, series, at, y, theme) {
  return series.flatMap(([, key], i) => {
    const points = rows.map((row) => `${round(at(row))},${round(y(row[key]))}`);
    const color = theme.series[i];
    return [
      `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="2.5"/>`,
      ...points.map(
        (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3.5" fill="${color}"/>`,
      ),
    ];
  });
}
