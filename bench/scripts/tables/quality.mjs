/** Tables of `eval`: fidelity, retrieval, names of other files, citations. */
import { count, markdown, percent, read, readIfThere, when } from './common.mjs';

/** @type {[string, string][]} in the order of the table */
const POLICIES = [
  ['fasa', '**FASA**'],
  ['fasa-f16', 'FASA, f16'],
  ['oracle', 'oracle'],
  ['paper', 'paper, per query head'],
  ['paper-kv', 'paper, per KV head'],
  ['quest', 'Quest'],
  ['streaming', 'streaming'],
  ['ggml', 'noise: dense by ggml'],
  ['batched', 'noise: dense, all at once'],
];

export function fidelity() {
  const records = ['2048', '4096', '8192'].map((length) => read(`fidelity-${length}`));
  const titles = [
    'policy',
    'bytes to predict',
    ...records.flatMap(({ policies: [{ length }] }) => [`${count(length)}: KL`, 'same', 'NLL']),
  ];
  const rows = POLICIES.flatMap(([name, title]) => {
    const same = records.map(({ policies }) => policies.find(({ policy }) => policy === name));
    const [first] = same;
    if (!first) return [];
    const figures = same.flatMap((one) =>
      one ? [one.meanKl.toFixed(4), `${(100 * one.agreement).toFixed(1)} %`, one.nll.toFixed(3)] : ['', '', ''],
    );
    const noise = title.startsWith('noise');
    return [[title, noise ? '' : first.predictorBytes.toFixed(0), ...figures]];
  });
  const dense = ['dense', '', ...records.flatMap(({ policies: [{ denseNll }] }) => ['', '', denseNll.toFixed(3)])];
  return markdown(titles, [...rows, dense]);
}

export function retrieval() {
  const record = read('retrieval');
  const titles = ['policy', 'right', 'of those that dense gets right'];
  const [{ length, budget, cases, denseCorrect }] = record.policies;
  const rows = POLICIES.flatMap(([name, title]) => {
    const one = record.policies.find(({ policy }) => policy === name);
    return one ? [[title, one.sparseCorrect, `${one.sparseCorrectGivenDense} of ${denseCorrect}`]] : [];
  });
  const text = `${cases} constants in documents of ${count(length)} tokens, budget ${budget}; dense decoding gets ${denseCorrect} right.`;
  return `${text}\n\n${markdown(titles, rows)}${when(record)}`;
}

/** @type {[string, string][]} in the order of the table */
const CONDITIONS = [
  ['none', 'no repository'],
  ['bm25', 'BM25 snippets in the prompt'],
  ['snippets', 'the same, ranked as for requests'],
  ['fasa', '**retrieved chunks, FASA**'],
  ['fasa-all', 'all chunks, FASA'],
  ['fasa-unrelated', 'the same, among three times as many unrelated tokens'],
  ['chunks-dense', 'the retrieved chunks, dense attention'],
  ['dense', 'joint dense prefill'],
];

/** The condition before has prefilled their tail, so their seconds say nothing. */
const PREFILLED_BEFORE = ['fasa-all', 'fasa-unrelated', 'chunks-dense'];

export const CROSS_FILE_TITLES = [
  'the model reads',
  'cases',
  'exact',
  'NLL of the name',
  'NLL of a token after it',
  'worse than none',
  "share of dense's gain",
  'seconds per case',
];

export function crossFileRows(conditions) {
  return CONDITIONS.flatMap(([name, title]) => {
    const one = conditions.find(({ condition }) => condition === name);
    return one
      ? [
          [
            title,
            one.cases,
            percent(one.exact),
            one.nll.toFixed(2),
            one.followingNll.toFixed(3),
            one.worse === undefined ? '' : percent(one.worse),
            one.gainShare === undefined || name === 'dense' ? '' : percent(one.gainShare),
            PREFILLED_BEFORE.includes(name) ? '' : (one.seconds?.toFixed(1) ?? ''),
          ],
        ]
      : [];
  });
}

export function crossFile() {
  const record = readIfThere('cross-file');
  if (!record) return undefined;
  const parts = [markdown(CROSS_FILE_TITLES, crossFileRows(record.conditions))];
  for (const { language, conditions } of record.languages) {
    const rows = crossFileRows(conditions).map((cells) => cells.slice(0, 6));
    parts.push(`${language}:\n\n${markdown(CROSS_FILE_TITLES.slice(0, 6), rows)}`);
  }
  const recall = record.definitionRecall.map(
    ({ tokens, ranked, bm25 }) => `${percent(ranked)} (${percent(bm25)}) within ${count(tokens)} tokens`,
  );
  parts.push(
    `How often the chunk that defines the name is among the first chunks, ranked as for requests (and by BM25 of the tail): ${recall.join(', ')}.`,
  );
  const sparse = record.conditions.find(({ condition }) => condition === 'fasa');
  if (sparse?.meanKl !== undefined) {
    parts.push(
      `FASA against dense attention to the same chunks, ${count(sparse.tokensCompared)} tokens: mean KL ${sparse.meanKl.toFixed(3)}, the same most likely token in ${percent(sparse.agreement)}.`,
    );
  }
  return parts.join('\n\n') + when(record);
}

export function citations() {
  const record = readIfThere('citations');
  if (!record) return undefined;
  const rows = [
    ['**attention of the answer**', percent(record.precisionAt1), percent(record.precisionAt3)],
    ['BM25 of the question', percent(record.bm25PrecisionAt1), percent(record.bm25PrecisionAt3)],
    ['chance', '', percent(record.randomPrecisionAt3)],
  ];
  return `${count(record.questions)} questions; ${percent(record.answered)} of the answers hold the value.\n\n${markdown(['files ranked by', 'right file first', 'among the first three'], rows)}${when(record)}`;
}
