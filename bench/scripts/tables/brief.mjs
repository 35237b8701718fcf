/** The short tables of README.md, from the same records. */
import { count, markdown, megabytes, milliseconds, percent, read, times, when } from './common.mjs';
import { CROSS_FILE_TITLES, crossFileRows } from './quality.mjs';

/** By the name of the table. */
export const brief = {
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
