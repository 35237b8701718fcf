/** Tables of `bench`: decoding, attention by itself, prefill, typing, repositories. */
import { count, markdown, megabytes, milliseconds, percent, read, times, when } from './common.mjs';

export function decode() {
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

export function synthetic() {
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

export function prefill() {
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

export function completion() {
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

export function repository() {
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
