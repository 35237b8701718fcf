import { describe, expect, test } from 'vitest';
import { codeParts } from '../../../../language-server/protocol/answer/answer';
import { applyChanges } from './apply-changes';

/** An answer with one change, and the file that it is for. */
function answer(search: string, replace: string, { width = 7, fenced = true } = {}): string {
  const block = [
    `${'<'.repeat(width)} SEARCH`,
    ...(search === '' ? [] : [search]),
    '='.repeat(width),
    ...(replace === '' ? [] : [replace]),
    `${'>'.repeat(width)} REPLACE`,
  ].join('\n');
  return fenced ? `src/a.txt\n\`\`\`\n${block}\n\`\`\`\n` : `src/a.txt\n${block}\n`;
}

function applied(file: string, text: string): string {
  const [part] = codeParts(text);
  return applyChanges(file, part?.changes ?? []);
}

const conflict = '<<<<<<< HEAD\nconst rows = 1;\n=======\nconst rows = 2;\n>>>>>>> feature/rows';
const diff3 = '<<<<<<< HEAD\na\n||||||| base\nb\n=======\nc\n>>>>>>> x';

describe('reading a SEARCH/REPLACE block whose lines look like its markers', () => {
  test.each<[string, string, string]>([
    ['a conflict of git that is resolved', conflict, 'const rows = 2;'],
    ['a conflict with the base between', diff3, 'a\nc'],
    ['a conflict in an indented list', `- one\n${conflict}\n- two`, '- one\n- two'],
    ['two conflicts at once', `${conflict}\nbetween\n${diff3}`, 'between'],
    ['a conflict of which one side is empty', '<<<<<<< HEAD\n=======\nb\n>>>>>>> x', 'b'],
    ['an underlined title', 'Title\n=======\nold text', 'Title\n=======\nnew text'],
    ['an underlined title of five letters', 'Title\n=====\nold text', 'Title\n=====\nnew text'],
    ['another title under the same line', 'Old one\n=======', 'New one\n======='],
    ['a title that goes', 'Old one\n=======\ntext', 'text'],
    ['a title with lines above and below', '=======\nOld one\n=======\ntext', '=======\nNew one\n=======\ntext'],
    ['a title among the new lines alone', 'old text', 'Heading\n=======\nold text'],
    ['the marks of this very format', '<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE', 'gone'],
    [
      'the marks of this very format as new lines',
      'Example:',
      'Example:\n<<<<<<< SEARCH\nx\n=======\ny\n>>>>>>> REPLACE',
    ],
    ['another line below a title', 'Title\n=======', 'Title\n-------'],
    ['a longer line below a title', 'Title\n=======', 'Title\n============'],
    ['a table of dashes and signs', '=====  =====\nA      B\n=====  =====', '=====  =====\nA      C\n=====  ====='],
  ])('applies a block with %s', (_, search, replace) => {
    const file = `first\n${search}\nlast\n`;
    for (const width of [5, 7, 9]) {
      expect(applied(file, answer(search, replace, { width }))).toBe(`first\n${replace}\nlast\n`);
    }
  });

  test('finds the block without a fence around it', () => {
    expect(applied(`x\n${conflict}\n`, answer(conflict, 'const rows = 2;', { fenced: false }))).toBe(
      'x\nconst rows = 2;\n',
    );
  });

  test('reads it among other changes in one code block', () => {
    const text = [answer('a', 'b'), answer(conflict, 'y'), answer('Title\n=======\nold', 'Title\n=======\nnew')]
      .map((one) => one.split('```')[1]?.trimStart() ?? '')
      .join('\n');
    const block = `src/a.txt\n\`\`\`\n${text}\`\`\`\n`;
    expect(applied(`a\n${conflict}\nTitle\n=======\nold\n`, block)).toBe('b\ny\nTitle\n=======\nnew\n');
  });

  test('refuses a block whose SEARCH part can end in two places', () => {
    // a line above the title, or no line below it?
    const file = 'Title\n=======\ntext\n';
    expect(() => applied(file, answer('Title', '=======\nTitle'))).toThrow('more than one of its “=======” lines');
  });

  test('takes the divider that is as long as the other markers', () => {
    const file = 'Title\n=====\ntext\n';
    expect(applied(file, answer('Title\n=====', 'Title'))).toBe('Title\ntext\n');
  });

  test('refuses a block whose SEARCH part is not in the file, whichever divider is taken', () => {
    expect(() => applied('other\n', answer(conflict, 'x'))).toThrow('not found in the file');
    expect(() => applied('Title\n-----\nold\n', answer('Titel\n=======\nold', 'x'))).toThrow('not found in the file');
  });

  test('writes no marker into the file when the end marker is missing', () => {
    const text = '```\n<<<<<<< SEARCH\na\n=======\nb\n<<<<<<< SEARCH\nc\n=======\nd\n>>>>>>> REPLACE\n```\n';
    expect(() => applied('a\nc\n', text)).toThrow();
  });

  test('reports a block that the answer breaks off in as unfinished, and keeps the blocks before it', () => {
    const [part] = codeParts(`${answer('a', 'b').replace(/```\n$/, '')}<<<<<<< SEARCH\nc\n=======\nd`);
    expect(part?.unfinished).toBe(true);
    expect(part?.changes).toHaveLength(1);
    expect(applyChanges('a\nc\n', part?.changes ?? [])).toBe('b\nc\n');
  });

  test('reads fences among the lines of a block', () => {
    const file = '# Install\n\n```sh\nnpm install\n```\n\nDone.\n';
    const text = `README.md\n${answer('```sh\nnpm install\n```', '```sh\npnpm install\n```').replace('src/a.txt\n', '')}`;
    expect(applied(file, text)).toBe(file.replace('npm', 'pnpm'));
    const bare = answer('Done.', '```\nx\n```\nDone.');
    expect(applied(file, bare)).toBe(file.replace('Done.', '```\nx\n```\nDone.'));
    expect(codeParts(bare)).toHaveLength(1);
  });

  test('reads a thousand possible dividers in bounded work', () => {
    const lines = Array.from({ length: 1000 }, (_, at) => (at % 2 === 0 ? '=======' : `line ${at}`));
    const search = lines.join('\n');
    expect(applied(`${search}\nend\n`, answer(search, 'x'))).toBe('x\nend\n');
    const alike = Array.from({ length: 2000 }, () => '=======').join('\n');
    expect(applied(`x\n${alike}\n`, answer(`x\n${alike}`, alike))).toBe(`${alike}\n`);
    const starts = Array.from({ length: 1000 }, () => '<<<<<<< SEARCH\n=======').join('\n');
    expect(() => applied('x\n', `\`\`\`\n${starts}\n>>>>>>> REPLACE\n\`\`\`\n`)).toThrow();
  });
});

describe('a code block with changes of several files', () => {
  test('assigns each change to the path above it', () => {
    const change = '<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n';
    const [part] = codeParts(`\`\`\`\nsrc/a.ts\n${change}\n// src/[b].ts\n${change}${change}\`\`\`\n`);
    expect(part?.files.map(({ paths, changes }) => [paths[0], changes.length])).toEqual([
      ['src/a.ts', 1],
      ['src/[b].ts', 2],
    ]);
    expect(part?.changes).toHaveLength(3);
  });
});

describe('random files that are full of markers', () => {
  test.each([
    [
      'of conflicts and titles',
      ['=======', '=======', '=====', '=========', '<<<<<<< HEAD', '>>>>>>> topic', '||||||| base', ''],
    ],
    [
      'of this format too',
      ['=======', '=====', '<<<<<<< HEAD', '>>>>>>> topic', '<<<<<<< SEARCH', '>>>>>>> REPLACE', 'src/a.ts', '```', ''],
    ],
  ])('%s: a change is made as meant, or refused as ambiguous', (_, marks) => {
    let seed = 59;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const line = () => (random(3) === 0 ? (marks[random(marks.length)] ?? '') : `words ${random(40)}`);
    const counts = { made: 0, refused: 0 };
    for (let round = 0; round < 3000; round++) {
      const file = Array.from({ length: 4 + random(14) }, line);
      const start = random(file.length);
      const size = 1 + random(Math.min(7, file.length - start));
      const old = file.slice(start, start + size);
      // as changes are: some lines stay, some go, some are new
      const fresh = old.flatMap((one) =>
        random(4) === 0 ? [] : random(3) === 0 ? [line()] : random(5) === 0 ? [one, line()] : [one],
      );
      const wanted = [...file.slice(0, start), ...fresh, ...file.slice(start + size)].join('\n');
      const block = ['<<<<<<< SEARCH', ...old, '=======', ...fresh, '>>>>>>> REPLACE'].join('\n');
      const text = `src/a.txt\n\`\`\`\n${block}\n\`\`\`\n`;
      const [read] = codeParts(text);
      if (read?.changes.length === 0) {
        expect(read.unfinished).toBe(true);
        counts.refused++;
        continue;
      }
      let result: string;
      try {
        result = applied(`${file.join('\n')}\n`, text);
      } catch {
        counts.refused++;
        continue;
      }
      counts.made++;
      expect([round, file, old, fresh, result]).toEqual([
        round,
        file,
        old,
        fresh,
        file.length === size && fresh.length === 0 ? '' : `${wanted}\n`,
      ]);
    }
    expect(counts.made).toBeGreaterThan(2000);
  });
});
