import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { applyChanges } from './apply-changes';

const tabs =
  'package rows\n\nfunc rows() int {\n\tx := 1\n\tif x > 0 {\n\t\treturn x\n\t}\n\treturn 0\n}\n\nfunc last() {\n\tprintln(1)\n}\n';
const spaced = (text: string, step: number) => text.replace(/^\t+/gm, (all) => ' '.repeat(all.length * step));
const one = (file: string, search: string, replace: string) => applyChanges(file, [{ search, replace }]);

describe('a change in another indentation than the file', () => {
  const wanted = tabs.replace('\t\treturn x\n', '\t\tif x > 9 {\n\t\t\treturn 9\n\t\t}\n\t\treturn x\n');
  test.each([
    ['4 blanks for tabs', 4],
    ['2 blanks for tabs', 2],
    ['3 blanks for tabs', 3],
    ['8 blanks for tabs', 8],
  ])('of %s is converted to the file’s indentation', (_, step) => {
    const search = spaced('\tif x > 0 {\n\t\treturn x\n\t}\n', step);
    const replace = spaced('\tif x > 0 {\n\t\tif x > 9 {\n\t\t\treturn 9\n\t\t}\n\t\treturn x\n\t}\n', step);
    expect(one(tabs, search, replace)).toBe(wanted);
    expect(one(tabs.replaceAll('\n', '\r\n'), search, replace)).toBe(wanted.replaceAll('\n', '\r\n'));
    // old lines as the file has them, new ones in the model's own way
    const own = '\tif x > 0 {\n\t\treturn x\n\t}\n';
    expect(one(tabs, own, replace)).toBe(wanted);
  });

  test.each([
    [2, 4],
    [4, 2],
    [4, 8],
    [2, 3],
  ])('of %i spaces is converted to the file’s %i', (from, to) => {
    const search = spaced('\tif x > 0 {\n\t\treturn x\n\t}\n', from);
    const replace = spaced('\tif x > 0 {\n\t\tif x > 9 {\n\t\t\treturn 9\n\t\t}\n\t\treturn x\n\t}\n', from);
    expect(one(spaced(tabs, to), search, replace)).toBe(spaced(wanted, to));
  });

  test.each([2, 4])('of tabs is converted to the file’s %i spaces', (to) => {
    const search = '\tif x > 0 {\n\t\treturn x\n\t}\n';
    const replace = '\tif x > 0 {\n\t\tif x > 9 {\n\t\t\treturn 9\n\t\t}\n\t\treturn x\n\t}\n';
    expect(one(spaced(tabs, to), search, replace)).toBe(spaced(wanted, to));
  });

  test.each([
    ['\t', 4],
    ['\t', 2],
    ['  ', 4],
    ['    ', 2],
  ])('with unindented old lines is converted to %j from steps of %i', (unit, step) => {
    const file = spaced(tabs, 1).replace(/^ +/gm, (all) => unit.repeat(all.length));
    const fresh = 'func last() {\n\tfor {\n\t\tprintln(2)\n\t}\n}\n';
    const result = one(
      file,
      'func last() {\n',
      spaced('func first() {\n\tfor {\n\t\tprintln(2)\n\t}\n}\n\nfunc last() {\n', step),
    );
    expect(result).toBe(
      file.replace(
        'func last() {\n',
        `${fresh.replace('last', 'first').replace(/^\t+/gm, (all) => unit.repeat(all.length))}\nfunc last() {\n`,
      ),
    );
  });

  test('leaves unchanged lines byte for byte', () => {
    const file = 'class A {\n\tint a;   \n\t\tint  odd;\n    int spaces;\n \t int mixed;\n\n\tint b;\n}\n';
    const search = 'class A {\n    int a;\n    int  odd;\n    int spaces;\n    int mixed;\n\n    int b;\n';
    const result = one(file, search, search.replace('    int b;\n', '    int b;\n    int c;\n'));
    expect(result).toBe(file.replace('\tint b;\n', '\tint b;\n\tint c;\n'));
  });

  test('indents lines that it nests deeper by the file’s unit', () => {
    const search = '    x := 1\n';
    expect(one(tabs, search, '    if true {\n        x := 1\n    }\n')).toBe(
      tabs.replace('\tx := 1\n', '\tif true {\n\t\tx := 1\n\t}\n'),
    );
  });

  test('keeps spaces that align a line with a bracket or the star of a comment', () => {
    const replace = '    x := call(a,\n              b)\n    /*\n     * why\n     */\n    y := 2\n';
    expect(one(tabs, '    x := 1\n', replace)).toBe(
      tabs.replace('\tx := 1\n', '\tx := call(a,\n\t          b)\n\t/*\n\t * why\n\t */\n\ty := 2\n'),
    );
  });

  test('writes tabs in recipes of a Makefile', () => {
    const file = 'CC = cc\n\nall: a.o\n\t$(CC) -o a a.o\n\nclean:\n\trm -f a\n';
    expect(one(file, 'clean:\n    rm -f a\n', 'clean:\n    rm -f a\n    rm -f *.o\n\ntest: all\n    ./a\n')).toBe(
      `${file}\trm -f *.o\n\ntest: all\n\t./a\n`,
    );
    expect(one(file, 'clean:\n', 'test: all\n        ./a\n\nclean:\n')).toBe(
      file.replace('clean:\n', 'test: all\n\t./a\n\nclean:\n'),
    );
  });

  test('follows the nearest lines in a file of mixed indentation', () => {
    const filler = Array.from({ length: 80 }, (_, at) => `x${at}();\n`).join('');
    const file = `function a() {\n\tif (1) {\n\t\tone();\n\t}\n}\n${filler}function b() {\n  if (2) {\n    two();\n  }\n}\n`;
    expect(one(file, '        one();\n', '        one();\n        more();\n')).toContain('\t\tone();\n\t\tmore();\n');
    expect(one(file, '        two();\n', '        two();\n        more();\n')).toContain('    two();\n    more();\n');
  });

  test('empties added lines of whitespace, and leaves those of the file', () => {
    const file = 'a {\n\tb\n\t\n\tc\n}\n';
    expect(one(file, '    b\n\n    c\n', '    b\n\n    d\n    \n    c\n')).toBe('a {\n\tb\n\t\n\td\n\n\tc\n}\n');
  });
});

describe('a change in the file’s own indentation', () => {
  test.each([
    ['a hanging indent of 4 in steps of 2', 'f() {\n  g();\n}\n', '  g();\n', '  g(\n      a,\n      b);\n'],
    ['a line moved a level in', 'f() {\n  g();\n}\n', '  g();\n', '  if (x) {\n    g();\n  }\n'],
    [
      'a line moved a level out',
      'f() {\n    if (x) {\n        g();\n    }\n}\n',
      '    if (x) {\n        g();\n    }\n',
      '    g();\n',
    ],
    ['blanks at an end taken away', 'a  \nb\n', 'a  \n', 'a\n'],
    ['aligned values in a file of tabs', 'f {\n\ta: 1\n\tb: 2\n}\n', '\ta: 1\n', '\ta:    1\n\tlong: 3\n'],
    ['a text in a string', 's = """\n  a\n"""\nif x:\n    y()\n', '  a\n', '  a\n   b\n'],
  ])('%s, is applied character for character', (_, file, search, replace) => {
    expect(one(file, search, replace)).toBe(file.replace(search, replace));
  });

  test('at random places of real files is applied character for character', () => {
    let seed = 9;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const root = path.resolve(import.meta.dirname, '../../../..');
    const texts = [
      'extension/edits/fit.ts',
      'native/kv/page.cc',
      'native/fasa/attention.cc',
      'package.json',
      'scripts/lib/run.mjs',
    ]
      .concat(['README.md', 'language-server/completion/prompt/cursor.ts'])
      .flatMap((name) => {
        try {
          return [readFileSync(path.join(root, name), 'utf8')];
        } catch {
          return [];
        }
      });
    expect(texts.length).toBeGreaterThan(2);
    for (let round = 0; round < 400; round++) {
      const lines = (texts[random(texts.length)] ?? '').split('\n');
      const start = random(lines.length - 1);
      const search = lines.slice(start, start + 1 + random(6));
      const other = random(lines.length - 1);
      const replace = [...search.slice(0, 1), ...lines.slice(other, other + random(4)), ...search.slice(1)];
      const isOnce = lines.join('\n').split(`\n${search.join('\n')}\n`).length === 2;
      if (start === 0 || !isOnce || search.join('').trim() === '' || !search.some((line) => /^\s+\S/.test(line))) {
        continue;
      }
      const wanted = [...lines.slice(0, start), ...replace, ...lines.slice(start + search.length)].join('\n');
      expect(one(lines.join('\n'), `${search.join('\n')}\n`, `${replace.join('\n')}\n`)).toBe(wanted);
    }
  });
});

describe('a change of random lines in another indentation', () => {
  test('gives the same result as in the file’s own, whatever both are', () => {
    let seed = 21;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const block = (depth: number, size: number): string[] =>
      Array.from({ length: size }, () => {
        const name = `n${random(1e9)}`;
        return depth < 4 && random(3) === 0
          ? [`${'\t'.repeat(depth)}if (${name}) {`, ...block(depth + 1, 1 + random(3)), `${'\t'.repeat(depth)}}`]
          : [`${'\t'.repeat(depth)}${name}();`];
      }).flat();
    const units = ['\t', '  ', '    '];
    let tried = 0;
    for (let round = 0; round < 400; round++) {
      const lines = ['function f() {', ...block(1, 6 + random(6)), '}'];
      const start = 1 + random(lines.length - 3);
      const size = 1 + random(Math.min(5, lines.length - start - 1));
      const search = lines.slice(start, start + size);
      const depth = /^\t*/.exec(search.at(-1) ?? '')?.[0].length ?? 0;
      const added = [
        `${'\t'.repeat(depth)}if (added${round}) {`,
        `${'\t'.repeat(depth + 1)}more();`,
        `${'\t'.repeat(depth)}}`,
      ];
      const replace = [
        ...search.slice(0, -1),
        ...(search.at(-1)?.endsWith('{') ? [] : search.slice(-1)),
        ...added,
        ...(search.at(-1)?.endsWith('{') ? search.slice(-1) : []),
      ];
      const [file, model] = [units[random(3)] ?? '', units[random(3)] ?? ''];
      const as = (unit: string, some: readonly string[]) =>
        some.map((line) => line.replace(/^\t+/, (all) => unit.repeat(all.length)));
      const text = (some: readonly string[]) => some.map((line) => `${line}\n`).join('');
      const wanted = text(as(file, [...lines.slice(0, start), ...replace, ...lines.slice(start + size)]));
      const search2 = text(as(model, search));
      let result = '';
      try {
        result = one(text(as(file, lines)), search2, text(as(model, replace)));
      } catch {
        continue;
      }
      tried++;
      expect([round, file, model, result]).toEqual([round, file, model, wanted]);
    }
    expect(tried).toBeGreaterThan(300);
  });
});
