// node bench/scripts/tables.mjs
//
// Fills the tables of README.md, docs/benchmarks.md and docs/repository-evaluation.md from the records in docs/measured/
// (bench/scripts/records.mjs makes those). A table stands between `<!-- table: NAME -->` and `<!-- end of table -->`; what is
// between them is replaced.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { readJson, writeAtomic } from '../../scripts/lib/files.mjs';
import { root, shown } from '../../scripts/lib/paths.mjs';

function read(name) {
  const record = readJson(path.join(root, 'docs', 'measured', `${name}.json`));
  if (!record) throw new Failure(`docs/measured/${name}.json is missing: node bench/scripts/records.mjs makes it.`);
  return record;
}

/** Of what takes hours: its table stays as it is without the record. */
function readIfThere(name) {
  const record = readJson(path.join(root, 'docs', 'measured', `${name}.json`));
  if (!record) process.stdout.write(`no docs/measured/${name}.json, so its table stays\n`);
  return record;
}

const count = (value) => value.toLocaleString('en-US');
const percent = (share) => `${(100 * share).toFixed(0)} %`;
const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

/** @param {readonly string[]} titles @param {readonly (readonly (string | number)[])[]} rows */
function markdown(titles, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(titles), line(titles.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What the reader must know of a run: how busy the machine was, and when it was. */
function when({ date, loadAverage }) {
  const parts = [
    ...(date === undefined ? [] : [`Measured on ${date}.`]),
    ...(loadAverage === undefined ? [] : [`Load average at the end: ${loadAverage.toFixed(1)}.`]),
  ];
  return parts.length === 0 ? '' : `\n\n${parts.join(' ')}`;
}

function decode() {
  const record = read('decode');
  const titles = [
    'cached tokens',
    'libllama ms',
    'its cache',
    'dense ms',
    'FASA ms',
    '`auto` ms',
    'FASA over libllama',
    'attention only, over dense',
    'limit by bytes',
    'TIP, selection, FAC',
    'read per token',
  ];
  const rows = record.rows.map((row) => [
    count(row.depth),
    row.peerMsPerToken.toFixed(1),
    row.peerKvType,
    row.denseMsPerToken.toFixed(1),
    row.fasaMsPerToken.toFixed(1),
    row.autoMsPerToken.toFixed(1),
    `${row.speedupVsPeer.toFixed(1)}x`,
    row.depth < row.budget || row.attentionSpeedup === undefined ? '' : `${row.attentionSpeedup.toFixed(1)}x`,
    `${row.bytesLimitSpeedup.toFixed(1)}x`,
    [row.tipShare, row.selectionShare, row.facShare].map(percent).join(', '),
    megabytes(row.bytesReadPerToken),
  ]);
  return markdown(titles, rows) + when(record);
}

function synthetic() {
  const { shapes, date } = read('synthetic');
  const titles = [
    'shape',
    'cached tokens',
    'dense ms',
    'its kernel',
    'FASA ms',
    'speed-up',
    'limit by bytes',
    'share of the limit',
    'TIP, selection, FAC ms',
  ];
  const rows = shapes.flatMap(({ shape, rows: list }) =>
    list.map((row) => [
      shape,
      count(row.depth),
      row.denseMs.toFixed(3),
      row.denseKernel,
      row.fasaMs.toFixed(3),
      `${row.attentionSpeedup.toFixed(1)}x`,
      `${row.bytesLimitSpeedup.toFixed(1)}x`,
      percent(row.shareOfBytesLimit),
      [row.tipMs, row.selectionMs, row.facMs].map((ms) => ms.toFixed(3)).join(', '),
    ]),
  );
  return markdown(titles, rows) + when({ date, loadAverage: shapes.at(-1)?.loadAverage });
}

function prefill() {
  const record = read('prefill');
  const titles = ['tokens', 'libllama tokens/s', 'its cache', 'ours tokens/s', 'ratio'];
  const rows = record.rows.map((row) => [
    count(row.length),
    row.peerTokensPerSecond.toFixed(0),
    row.peerKvType,
    row.tokensPerSecond.toFixed(0),
    row.ratio.toFixed(2),
  ]);
  return markdown(titles, rows) + when(record);
}

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

function fidelity() {
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

function retrieval() {
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

const milliseconds = (value) => `${value < 100 ? value.toFixed(1) : count(Math.round(value))} ms`;
const times = (value) => `${value.toFixed(2)}x`;

function completion() {
  const record = read('completion');
  const rows = [
    ['requests, one per key', count(record.requests)],
    ['share of answers that came from the cache of suggestions', percent(record.cacheShare)],
    ['superseded or cancelled', count(record.cancelled)],
    ['tokens prefilled per request that the cache did not answer', record.fedPerRequest.toFixed(1)],
    [
      'first suggestion, median and 95th percentile',
      [record.firstSuggestionMsMedian, record.firstSuggestionMsP95].map(milliseconds).join(', '),
    ],
    [
      'the same, in bare decode steps of the model',
      (record.firstSuggestionMsMedian / record.bareDecodeMsPerToken).toFixed(1),
    ],
    ['tokens prefilled or decoded after a cancel, in total', count(record.tokensAfterCancel)],
    ['from a cancel to an idle engine, 95th percentile', milliseconds(record.cancelToIdleMsP95)],
    [
      'characters that a user would not have had to type',
      `${count(record.savedCharacters)} of ${count(record.savedCharacters + record.typedCharacters)}`,
    ],
  ];
  return markdown(['', record.model], rows) + when(record);
}

function repository() {
  const record = read('repository');
  const [none] = record.rows;
  const small = record.rows.find(({ tokens }) => tokens >= 2048);
  const titles = [
    'repository',
    'retrieved',
    'first token',
    'to that of none',
    'one token typed',
    'decode step',
    'to that of 2K',
    'in memory',
    'dense f16 cache',
  ];
  const rows = record.rows.map((row) => [
    count(row.tokens),
    count(row.retrievedTokens),
    milliseconds(row.firstTokenMs),
    times(row.firstTokenMs / none.firstTokenMs),
    milliseconds(row.typedTokenMs),
    milliseconds(row.decodeMsPerToken),
    row.tokens < small.tokens ? '' : times(row.decodeMsPerToken / small.decodeMsPerToken),
    row.fullBytes === 0 ? '' : percent(row.fastBytes / row.fullBytes),
    megabytes(row.fullBytes),
  ]);
  const delay = record.encodingDelay;
  const text = [
    `${count(record.files)} files, ${count(record.tokens)} tokens: encoded in ${record.encodeSeconds.toFixed(0)} s, opened again in`,
    `${record.reopenSeconds.toFixed(2)} s (${(record.encodeSeconds / record.reopenSeconds).toFixed(0)} times faster);`,
    `${count(record.reencodedTokens)} tokens encoded again after an edit of a file of ${count(record.editedFileTokens)} tokens; on disk`,
    `${(record.diskBytes / record.rowBytes).toFixed(3)} times the size of the keys and values. A chunk of 1,024 tokens is encoded at`,
    `${record.encodeTokensPerSecond.toFixed(0)} tokens/s, libllama prefills at ${record.peerPrefillTokensPerSecond.toFixed(0)}. Encoding adds`,
    `${delay.medianMs.toFixed(0)} ms to a typed token (95th percentile: ${delay.p95Ms.toFixed(0)} ms).`,
  ].join(' ');
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

const CROSS_FILE_TITLES = [
  'the model reads',
  'cases',
  'exact',
  'NLL of the name',
  'NLL of a token after it',
  'worse than none',
  "share of dense's gain",
  'seconds per case',
];

function crossFileRows(conditions) {
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

function crossFile() {
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

function citations() {
  const record = readIfThere('citations');
  if (!record) return undefined;
  const rows = [
    ['**attention of the answer**', percent(record.precisionAt1), percent(record.precisionAt3)],
    ['BM25 of the question', percent(record.bm25PrecisionAt1), percent(record.bm25PrecisionAt3)],
    ['chance', '', percent(record.randomPrecisionAt3)],
  ];
  return `${count(record.questions)} questions; ${percent(record.answered)} of the answers hold the value.\n\n${markdown(['files ranked by', 'right file first', 'among the first three'], rows)}${when(record)}`;
}

/** What the README shows of the same records. */
const brief = {
  decode() {
    const record = read('decode');
    const titles = [
      'cached tokens',
      'libllama, ms',
      'dense, ms',
      'FASA, ms',
      'speed-up over libllama',
      'attention only, over dense',
      'share of the cache read per token',
    ];
    const rows = record.rows.map((row) => {
      const sparse = row.depth > row.budget;
      return [
        count(row.depth),
        row.peerMsPerToken.toFixed(1),
        row.denseMsPerToken.toFixed(1),
        `**${row.fasaMsPerToken.toFixed(1)}**`,
        `${row.speedupVsPeer.toFixed(1)} x`,
        sparse ? `${row.attentionSpeedup.toFixed(1)} x` : '-',
        sparse ? percent(1 / row.bytesLimitSpeedup) : '-',
      ];
    });
    return markdown(titles, rows) + when(record);
  },
  repository() {
    const record = read('repository');
    const [none] = record.rows;
    const titles = [
      'repository, tokens',
      'first token',
      'one token typed',
      'decode step',
      'in memory',
      'dense f16 cache',
    ];
    const rows = record.rows.map((row) => [
      count(row.tokens),
      `${milliseconds(row.firstTokenMs)}${row === none ? '' : `, ${times(row.firstTokenMs / none.firstTokenMs)}`}`,
      milliseconds(row.typedTokenMs),
      milliseconds(row.decodeMsPerToken),
      megabytes(row.fastBytes),
      megabytes(row.fullBytes),
    ]);
    const text = [
      `Encoding takes ${record.encodeSeconds.toFixed(0)} s once (${count(record.tokens)} tokens); opening it again takes`,
      `${record.reopenSeconds.toFixed(1)} s. After an edit, only the changed chunks of a file are encoded again.`,
    ].join(' ');
    return `${text}\n\n${markdown(titles, rows)}`;
  },
  'cross-file'() {
    const { conditions, cases } = read('cross-file');
    const kept = [0, 1, 2, 3, 7];
    // those of all cases can be compared with each other
    const rows = crossFileRows(conditions.filter((one) => one.cases === cases)).map((cells) =>
      cells.filter((_, i) => kept.includes(i)),
    );
    return markdown(
      CROSS_FILE_TITLES.filter((_, i) => kept.includes(i)),
      rows,
    );
  },
};

const pages = {
  'README.md': brief,
  'docs/benchmarks.md': { decode, synthetic, prefill, completion, fidelity, retrieval },
  'docs/repository-evaluation.md': { repository, 'cross-file': crossFile, citations },
};

await main(() => {
  for (const [name, tables] of Object.entries(pages)) fillPage(path.join(root, name), tables);
});

function fillPage(page, tables) {
  const before = readFileSync(page, 'utf8');
  let text = before;
  for (const [name, make] of Object.entries(tables)) {
    const place = new RegExp(`(<!-- table: ${name} -->\n)[^]*?(<!-- end of table -->)`);
    if (!place.test(text)) throw new Failure(`${shown(page)} has no place for the table ${name}.`);
    const table = make();
    if (table !== undefined) text = text.replace(place, (_, begin, end) => `${begin}\n${table}\n\n${end}`);
  }
  if (text !== before) writeAtomic(page, text);
  process.stdout.write(`${text === before ? 'unchanged' : 'wrote'} ${shown(page)}\n`);
}
