// Plots of `bench repository`: time against the size of the repository, memory by tier, encoding and opening again.
import { endLabels, frame, linear, lines, logarithmic, PLOT, picture, round, text, ticksTo } from './chart.mjs';

const about = ({ model, device, threads }) => `${model}, ${device}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
const thousands = (tokens) => (tokens === 0 ? '0' : `${Math.round(tokens / 1024)}K`);

/** One y axis for all series, against tokens of the repository. */
function sizePlot(record, { name, title, subtitle, series, unit, scale = 1 }) {
  const rows = record.rows.map((row) => ({
    ...row,
    ...Object.fromEntries(series.map(([, key]) => [key, row[key] / scale])),
  }));
  const max = Math.max(...rows.flatMap((row) => series.map(([, key]) => row[key])));
  const { top, ticks } = ticksTo(max);
  const x = linear(0, rows.at(-1).tokens, PLOT.left + 12, PLOT.right - 12);
  const y = linear(0, top, PLOT.bottom, PLOT.top);
  const last = rows.at(-1);
  const shownValue = (value) =>
    `${value >= 100 ? Math.round(value).toLocaleString('en-US') : value.toPrecision(2)} ${unit}`;
  // ticks that would cover each other are left out
  const xTicks = rows
    .filter((row, i) => i === 0 || i === rows.length - 1 || x(row.tokens) - x(rows[i - 1].tokens) > 34)
    .map((row) => [row.tokens, thousands(row.tokens)]);
  picture(name, (theme) => ({
    label: `${title}: ${series.map(([label, key]) => `${label} ${shownValue(last[key])} at ${last.tokens} tokens`).join(', ')}`,
    parts: [
      ...frame(
        {
          title,
          subtitle,
          xTitle: 'tokens of the repository',
          xTicks,
          yTicks: ticks.map((tick) => [tick, tick.toLocaleString('en-US')]),
          x,
          y,
        },
        theme,
      ),
      ...lines(rows, series, (row) => x(row.tokens), y, theme),
      ...endLabels(
        series.map(([label, key], i) => ({
          name: `${label} ${shownValue(last[key])}`.trim(),
          at: y(last[key]),
          color: theme.series[i],
        })),
      ),
    ],
  }));
}

function encodePlot(record) {
  const bars = [
    ['encode all', record.encodeSeconds],
    ['one file edited', record.reencodeOneFileSeconds],
    ['open again', record.reopenSeconds],
  ];
  const decades = [0.01, 0.1, 1, 10, 100, 1000, 10000];
  const low = decades.findLast((value) => value < Math.min(...bars.map(([, seconds]) => seconds))) ?? 0.01;
  const high = decades.find((value) => value > Math.max(...bars.map(([, seconds]) => seconds))) ?? 10000;
  const x = logarithmic(low, high, PLOT.left + 80, PLOT.right);
  picture('repository-encode', (theme) => ({
    label: bars.map(([name, seconds]) => `${name}: ${seconds.toFixed(2)} s`).join(', '),
    parts: [
      ...frame(
        {
          title: 'Seconds until a repository is ready',
          subtitle: `${record.tokens.toLocaleString('en-US')} tokens in ${record.files} files; ${about(record)}`,
          xTitle: 'seconds',
          xTicks: decades.filter((value) => value >= low && value <= high).map((value) => [value, value]),
          yTicks: [],
          x,
          y: () => 0,
        },
        theme,
      ),
      ...bars.flatMap(([name, seconds], i) => {
        const top = PLOT.top + 40 + i * 85;
        return [
          `<rect x="${round(x(low))}" y="${top}" width="${round(x(seconds) - x(low))}" height="36" fill="${theme.series[i]}"/>`,
          text(PLOT.left + 70, top + 23, name, 'text-anchor="end"'),
          text(
            x(seconds) + 8,
            top + 23,
            `${seconds >= 10 ? seconds.toFixed(0) : seconds.toFixed(2)} s`,
            'font-weight="600"',
          ),
        ];
      }),
    ],
  }));
}

/** @param record of `bench repository --depths N,N,... --json` */
export function repositoryPlots(record) {
  const subtitle = `${about(record)}; medians of ${record.turns} turns`;
  sizePlot(record, {
    name: 'repository-first-token',
    title: 'Milliseconds to the first token, 1,024 tokens of the open file new',
    subtitle,
    series: [['', 'firstTokenMs']],
    unit: 'ms',
  });
  sizePlot(record, {
    name: 'repository-decode',
    title: 'Milliseconds for a typed token, and for each decoded one',
    subtitle,
    series: [
      ['typed', 'typedTokenMs'],
      ['decoded', 'decodeMsPerToken'],
    ],
    unit: 'ms',
  });
  sizePlot(record, {
    name: 'repository-memory',
    title: 'Gigabytes that the context of a repository takes',
    subtitle: `${record.model}; all of it dense in memory, and what is held with importance keys in memory`,
    series: [
      ['dense f16', 'fullBytes'],
      ['files', 'slowBytes'],
      ['memory', 'fastBytes'],
    ],
    unit: 'GB',
    scale: 1e9,
  });
  encodePlot(record);
}
