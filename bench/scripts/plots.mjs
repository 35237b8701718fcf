// node bench/scripts/plots.mjs
//
// Draws the plots of docs/benchmarks.md from the records in docs/measured/ (what `bench` and `eval` print with --json), each as
// an SVG for light pages and one for dark pages.
import path from 'node:path';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { readJson } from '../../scripts/lib/files.mjs';
import { endLabels, frame, linear, lines, logarithmic, measured, PLOT, picture, round, text } from './plots/chart.mjs';
import { repositoryPlots } from './plots/repository.mjs';

function decodePlot(record) {
  const rows = record.rows.filter(({ depth }) => depth >= 512);
  /** @type {[string, string][]} */
  const series = [
    ['libllama', 'peerMsPerToken'],
    ['dense', 'denseMsPerToken'],
    ['FASA', 'fasaMsPerToken'],
  ];
  const max = Math.max(...rows.flatMap((row) => series.map(([, key]) => row[key])));
  const step = [5, 10, 20, 25, 50, 100, 200].find((size) => max / size <= 6) ?? 500;
  const top = Math.ceil(max / step) * step;
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
      ...lines(rows, series, (row) => x(row.depth), y, theme),
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
  const repository = readJson(path.join(measured, 'repository.json'));
  if (repository) repositoryPlots(repository);
  else process.stdout.write('no docs/measured/repository.json, so no plots of it\n');
});
