import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { type AnswerPart, codeParts, readAnswer } from '../../../language-server/protocol/answer/answer';

/** As the page reads it: more of it each time. Parts before the last stay what they are. */
function grown(text: string, step: number): AnswerPart[] {
  let parts: AnswerPart[] = [];
  for (let end = step; end < text.length + step; end += step) {
    const kept = parts.slice(0, -1);
    parts = [...kept, ...readAnswer(text.slice(0, end), parts.at(-1)?.start ?? 0, kept)];
  }
  const kept = parts.slice(0, -1);
  return [...kept, ...readAnswer(text, parts.at(-1)?.start ?? 0, kept, true)];
}

function expectStable(text: string): void {
  const whole = readAnswer(text, 0, [], true);
  for (const step of [1, 2, 5, 13]) {
    expect(grown(text, step)).toEqual(whole);
  }
}

const readme =
  '# Rows\n\nInstall it:\n\n```sh\nnpm install rows\n```\n\nUse it:\n\n```ts\nrows();\n```\n\nThat is all.\n';
const bare = '# Rows\n\nInstall it:\n\n```\nnpm install rows\n```\n\nThen:\n\n```\nrows()\n```\n\nThat is all.\n';
const tight = '# Rows\n## Install\n```\nnpm install rows\n```\n## Use\n```bash\nrows\n```\nThat is all.\n';
const tree = '# Rows\n## Files\n```\nsrc/\n  a.ts\n```\nThe output is\n```\n{ "a": 1 }\n```\nThat is all.\n';
const first = '```sh\nnpm install rows\n```\n\nis how to install it.\n';
const listed = '1. Install\n   ```sh\n   npm i\n   ```\n2. Run:\n   ```\n   npm start\n   ```\n\nDone.\n';
const tildes = '# A\n\n~~~sh\nls\n~~~\n\nB\n';
const template = 'Use this template:\n\n```\n# <name>\n\n<text>\n```\n';

describe('a Markdown block that contains fences', () => {
  test.each([
    ['blocks with words', readme],
    ['blocks without words', bare],
    ['no empty lines around its blocks', tight],
    ['a tree of files and output', tree],
    ['a block first', first],
    ['blocks in a list', listed],
    ['blocks of tildes', tildes],
    ['a block last', template],
    ['two blocks after one another', '# A\n\n```sh\na\n```\n```sh\nb\n```\n'],
    ['a block that is empty', '# A\n\n```sh\n```\n\nB\n'],
    ['a longer fence within', '# A\n\n````md\n```sh\nls\n```\n````\n\nB\n'],
    ['a fence with settings', '# A\n\n```sh title="x" {1,2}\nls\n```\n\nB\n'],
    ['a conflict', '# A\n\n```\n<<<<<<< HEAD\na\n=======\nb\n>>>>>>> x\n```\n\nB\n'],
  ])('with %s is one part, and what follows is read separately', (_, text) => {
    for (const word of ['markdown', 'md', 'mdx', 'rst', 'adoc', 'Markdown', 'qmd']) {
      const answer = `README.md\n\`\`\`${word}\n${text}\`\`\`\n\nThen run it:\n\n\`\`\`bash\nls\n\`\`\`\n\nDone.\n`;
      expect(codeParts(answer).map((part) => [part.language, part.text, part.closed])).toEqual([
        [word.toLowerCase(), text, true],
        ['bash', 'ls\n', true],
      ]);
      expectStable(answer);
    }
  });

  test.each([
    ['blocks with words', readme],
    ['blocks without words', bare],
    ['blocks in a list', `# Steps\n\n${listed}`],
  ])('with %s is one part in a fence without a language', (_, text) => {
    const answer = `Here:\n\n\`\`\`\n${text}\`\`\`\n\nDone.\n`;
    expect(codeParts(answer).map((part) => part.text)).toEqual([text]);
    expectStable(answer);
  });

  test('ends with its own fence when that is longer or of tildes', () => {
    for (const mark of ['````', '~~~', '~~~~~']) {
      const answer = `${mark}md\n${bare}${mark}\n\nDone.\n`;
      expect(codeParts(answer).map((part) => part.text)).toEqual([bare]);
      expectStable(answer);
    }
  });

  test('keeps its indentation in a list', () => {
    const answer = `1. Write:\n\n   \`\`\`md\n${readme.replace(/^(?=.)/gm, '   ')}   \`\`\`\n\n2. Done.\n`;
    expect(codeParts(answer).map((part) => part.text)).toEqual([readme]);
    expectStable(answer);
  });

  test('is one part for at least 19 of 20 readmes of installed packages', () => {
    const modules = path.resolve(import.meta.dirname, '../../../node_modules');
    const texts = readdirSync(modules).flatMap((name) => {
      try {
        return [
          `${readFileSync(path.join(modules, name, 'README.md'), 'utf8')
            .replaceAll('\r', '')
            .trimEnd()}\n`,
        ];
      } catch {
        return [];
      }
    });
    const fenced = texts.filter(
      (text) => ((text.match(/^ *```/gm) ?? []).length + 1) % 2 === 1 && text.includes('```'),
    );
    const whole = fenced.filter((text) => {
      const parts = codeParts(`README.md\n\`\`\`markdown\n${text}\`\`\`\n\nThen:\n\n\`\`\`sh\nls\n\`\`\`\n\nDone.\n`);
      return parts.length === 2 && parts[0]?.text === text;
    });
    expect(fenced.length).toBeGreaterThan(100);
    expect(whole.length).toBeGreaterThanOrEqual(fenced.length * 0.95);
  });

  test('is recognized by its path without a language', () => {
    const answer = `docs/guide.md\n\`\`\`\n${bare.replace('# Rows\n\n', '')}\`\`\`\n\nDone.\n`;
    expect(codeParts(answer).map((part) => part.text)).toEqual([bare.replace('# Rows\n\n', '')]);
  });

  test('is not closed when the answer breaks off in it', () => {
    const [part, second] = codeParts(`\`\`\`md\n${readme.slice(0, -15)}`);
    expect(second).toBeUndefined();
    expect(part?.closed).toBe(false);
    expect(part?.text).toContain('rows();');
  });

  test('ends before another such block', () => {
    const answer = `\`\`\`md\n${readme}\`\`\`\n\nAnd:\n\n\`\`\`md\n${bare}\`\`\`\n\nDone.\n`;
    expect(codeParts(answer).map((part) => part.text)).toEqual([readme, bare]);
    expectStable(answer);
  });
});

describe('code blocks of ordinary answers', () => {
  test.each([
    [
      'shell text without a word, then a block with one',
      '```\nnpm i\n```\n\nThen:\n\n```bash\nnpm test\n```\n\nDone.\n',
    ],
    ['the same without empty lines', '```\nnpm i\n```\nThen:\n```bash\nnpm test\n```\nDone.\n'],
    ['a comment first', '```\n# Install\nnpm i\n```\nThen:\n```bash\nnpm test\n```\nDone.\n'],
    ['two without words', '```\na\n```\nand\n```\nb\n```\n'],
    ['an empty line at the end', '```\na\n\n```\nand\n```\nb\n```\n'],
    ['a text that ends with its title', '```md\n# A\n```\nAnd\n```\nb\n```\n'],
    ['output', '```text\nERROR: x\n\n```\nThis means\n```py\nx\n```\n'],
    ['no end, and then others', '```\nnpm i\n\nThen:\n\n```bash\nnpm test\n```\n'],
  ])('with %s are read as CommonMark reads them', (_, answer) => {
    const parts = codeParts(answer);
    expect(parts.map(({ text }) => text)).toEqual(commonMark(answer));
    expectStable(answer);
  });

  test('are not closed by a fence that is indented deeper', () => {
    const code = 'def f():\n    """\n    ```python\n    f()\n    ```\n    """\n';
    expect(codeParts(`\`\`\`python\n${code}\`\`\`\n`)[0]?.text).toBe(code);
  });

  test('are read as CommonMark reads them, for random answers in random pieces', () => {
    let seed = 11;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const one = <T>(of: readonly T[]): T => of[random(of.length)] as T;
    const prose = () => one(['Now run it.', 'Here is how:', '- one\n- two', '## Next', 'Use `x` here.\nAnd there.']);
    const codes = [
      'x = 1',
      'def f():\n    return 1',
      'npm install\nnpm test',
      '# Title\n\nWords.',
      'if a:\n\n  b()',
      '{ "a": 1 }',
    ];
    for (let round = 0; round < 400; round++) {
      const blocks = Array.from({ length: 1 + random(5) }, () => {
        const mark = one(['```', '```', '````', '~~~']);
        return `${mark}${one(['', 'python', 'ts', 'bash', 'json', 'text', 'markdown'])}\n${one(codes)}\n${mark}\n`;
      });
      const gap = one(['\n', '']);
      const answer = blocks.map((block) => `${prose()}\n${gap}${block}${gap}`).join('') + prose();
      expect(codeParts(answer).map(({ text }) => text)).toEqual(commonMark(answer));
      if (round % 8 === 0) {
        expectStable(answer);
      }
    }
  });

  test('keep every character of a malformed answer, and do not change as it grows', () => {
    let seed = 5;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const lines = ['```', '```md', '```', '```sh', '~~~', '````', '', '', 'words', '# Title', 'Run:', 'npm i', '  ```'];
    lines.push('<<<<<<< SEARCH', '=======', '>>>>>>> REPLACE', 'src/a.ts');
    for (let round = 0; round < 300; round++) {
      const answer = Array.from({ length: 3 + random(25) }, () => lines[random(lines.length)]).join('\n');
      const parts = readAnswer(answer, 0, [], true);
      const starts = parts.map(({ start }) => start);
      expect(starts[0]).toBe(0);
      expect(starts).toEqual([...starts].sort((a, b) => a - b));
      expectStable(answer);
    }
  });
});

/** Top-level fenced blocks, by the letter of the standard. */
function commonMark(answer: string): string[] {
  const found: string[] = [];
  let open: { readonly mark: string; lines: string[] } | undefined;
  for (const line of answer.split('\n')) {
    const fence = /^ {0,3}(`{3,}|~{3,})\s*([^`]*)$/.exec(line);
    if (open === undefined) {
      open = fence === null ? undefined : { mark: fence[1] ?? '', lines: [] };
    } else if (fence !== null && fence[2] === '' && fence[1]?.startsWith(open.mark)) {
      found.push(open.lines.map((one) => `${one}\n`).join(''));
      open = undefined;
    } else {
      open.lines.push(line);
    }
  }
  return found;
}
