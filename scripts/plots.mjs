// node scripts/plots.mjs
//
// Draws the plots of docs/benchmarks.md and README from what `bench` and `eval` printed with --json, kept in
// docs/measured/: one SVG for light pages and one for dark ones each.
import path from 'node:path';
import { Failure, main } from './lib/failure.mjs';
import { readJson, writeAtomic } from './lib/files.mjs';
import { root, shown } from './lib/paths.mjs';

const docs = path.join(root, 'docs');
const measured = path.join(docs, 'measured');

/** Colours that keep a contrast of 4.5 to the page, and differ in lightness for those who do not see the hue. */
const THEMES = {
  light: { page: '#ffffff', ink: '#1f2328', faint: '#d0d7de', series: ['#59636e', '#0550ae', '#a40e26', '#6f42c1'] },
  dark: { page: '#0d1117', ink: '#e6edf3', faint: '#30363d', series: ['#9198a1', '#79c0ff', '#ff9492', '#d2a8ff'] },
};
const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 64, right: 610, top: 56, bottom: 360 };

const escaped = (text) => String(text).replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const text = (x, y, content, attributes = '') =>
  `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(content)}</text>`;
const round = (value) => Math.round(value * 10) / 10;

/** A scale from values to pixels. */
const linear = (low, high, from, to) => (value) => from + ((value - low) / (high - low)) * (to - from);
const logarithmic = (low, high, from, to) => {
  const scale = linear(Math.log(low), Math.log(high), from, to);
  return (value) => scale(Math.log(value));
};

function frame({ title, subtitle, xTitle, xTicks, yTicks, x, y }, theme) {
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

function picture(name, draw) {
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
function endLabels(series) {
  const sorted = series.toSorted((a, b) => a.at - b.at);
  sorted.forEach((one, i) => {
    one.at = Math.max(one.at, (sorted[i - 1]?.at ?? Number.NEGATIVE_INFINITY) + 17);
  });
  return sorted.map(({ at, name, color }) =>
    text(PLOT.right + 10, at + 4, name, `style="fill:${color}" font-weight="600"`),
  );
}

function decodePlot(record) {
  const rows = record.rows.filter(({ depth }) => depth >= 512);
  /** @type {[string, string][]} */
  const series = [
    ['libllama', 'peerMsPerToken'],
    ['dense', 'denseMsPerToken'],
    ['FASA', 'fasaMsPerToken'],
  ];
  const most = Math.max(...rows.flatMap((row) => series.map(([, key]) => row[key])));
  const step = [5, 10, 20, 25, 50, 100, 200].find((size) => most / size <= 6) ?? 500;
  const top = Math.ceil(most / step) * step;
  const depths = rows.map(({ depth }) => depth);
  const x = logarithmic(Math.min(...depths), Math.max(...depths), PLOT.left + 12, PLOT.right - 12);
  const y = linear(0, top, PLOT.bottom, PLOT.top);
  picture('decode', (theme) => ({
    label: `Milliseconds per decoded token against cached tokens: ${series.map(([name, key]) => `${name} ${rows.at(-1)[key].toFixed(0)} ms at ${rows.at(-1).depth}`).join(', ')}`,
    parts: [
      ...frame(
        {
          title: 'Milliseconds per decoded token',
          subtitle: `${record.model}, ${record.device}, ${record.threads} ${record.threads === 1 ? 'thread' : 'threads'}, budget ${rows[0].budget}`,
          xTitle: 'tokens in the cache',
          xTicks: depths.map((depth) => [depth, depth.toLocaleString('en-US')]),
          yTicks: Array.from({ length: top / step + 1 }, (_, i) => [i * step, i * step]),
          x,
          y,
        },
        theme,
      ),
      ...series.flatMap(([, key], i) => {
        const points = rows.map((row) => `${round(x(row.depth))},${round(y(row[key]))}`);
        const color = theme.series[i];
        return [
          `<polyline points="${points.join(' ')}" fill="none" stroke="${color}" stroke-width="2.5"/>`,
          ...points.map(
            (point) => `<circle cx="${point.split(',')[0]}" cy="${point.split(',')[1]}" r="3.5" fill="${color}"/>`,
          ),
        ];
      }),
      ...endLabels(
        series.map(([name, key], i) => ({
          name: `${name} ${rows.at(-1)[key].toFixed(0)} ms`,
          at: y(rows.at(-1)[key]),
          color: theme.series[i],
        })),
      ),
    ],
  }));
}

const NAMES = {
  fasa: 'FASA, int4',
  'fasa-f16': 'the same FCs, f16',
  oracle: 'exact logits',
  paper: 'paper, per query head',
  'paper-kv': 'paper, per KV head',
  quest: 'Quest, pages of 16',
  streaming: 'anchor and recent',
};

function fidelityPlot({ policies }) {
  const points = policies.filter(({ policy }) => policy in NAMES);
  const x = linear(0, 128, PLOT.left + 12, PLOT.right - 12);
  const decades = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1];
  const low = decades.findLast((value) => value < Math.min(...points.map(({ meanKl }) => meanKl))) ?? 0.001;
  const high = decades.find((value) => value > Math.max(...points.map(({ meanKl }) => meanKl))) ?? 1;
  const y = logarithmic(low, high, PLOT.bottom, PLOT.top);
  const [{ length, budget, tokens }] = points;
  picture('fidelity', (theme) => ({
    label: `Divergence from dense against bytes read to predict: ${points.map(({ policy, meanKl }) => `${NAMES[policy]} ${meanKl.toFixed(4)}`).join(', ')}`,
    parts: [
      ...frame(
        {
          title: 'Divergence from dense attention (mean KL, nats), by how tokens are chosen',
          subtitle: `SmolLM2-135M, ${length.toLocaleString('en-US')} tokens of code, budget ${budget}, ${tokens} steps; lower is better`,
          xTitle: 'bytes read to predict, per cached token and KV head (all of K and V: 256)',
          xTicks: [0, 16, 32, 64, 96, 128].map((bytes) => [bytes, bytes]),
          yTicks: decades.filter((value) => value >= low && value <= high).map((value) => [value, value]),
          x,
          y,
        },
        theme,
      ),
      ...points.flatMap(({ policy, meanKl, predictorBytes }) => {
        const own = policy === 'fasa';
        const color = theme.series[own ? 2 : policy === 'oracle' ? 1 : 0];
        return [
          `<circle cx="${round(x(predictorBytes))}" cy="${round(y(meanKl))}" r="${own ? 7 : 5}" fill="${color}"/>`,
          text(
            x(predictorBytes) + 11,
            y(meanKl) + (policy === 'fasa-f16' ? 16 : 4),
            `${NAMES[policy]}: ${meanKl.toFixed(4)}`,
            `style="fill:${color}"${own ? ' font-weight="600"' : ''}`,
          ),
        ];
      }),
    ],
  }));
}

await main(() => {
  const read = (name) => {
    const record = readJson(path.join(measured, name));
    if (!record) throw new Failure(`docs/measured/${name} is missing: docs/benchmarks.md says how to make it.`);
    return record;
  };
  decodePlot(read('decode.json'));
  fidelityPlot(read('fidelity-8192.json'));
});
