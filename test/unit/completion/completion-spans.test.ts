import { expect, test } from 'vitest';
import { judgeSpans, languages } from './completion-spans';

const count = Number(process.env['SPANS'] ?? 130);
const seed = Number(process.env['SPANS_SEED'] ?? 1);

test.each(languages.map((language) => [language.id, language] as const))(
  'a span taken out of %s source is never suggested in part so that the program no longer parses',
  async (id, language) => {
    const { whole, piece, nothing, broken, examples } = await judgeSpans(language, count, seed);
    process.stdout.write(
      `${id}: offered whole ${whole}, offered a sound piece ${piece}, nothing ${nothing}, broken: ${broken}\n`,
    );
    expect(examples).toEqual([]);
    // a filter that drops everything would break nothing
    expect(whole).toBeGreaterThan(count / 2);
  },
  300_000,
);
