import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hunksOf } from '../../../../extension/edits/changes';
import { fitChanges } from '../../../../extension/edits/fit';
import { type AnswerPart, codeParts, readAnswer } from '../../../../language-server/protocol/answer/answer';
import { applyChanges } from './apply-changes';

const part = (answer: string) => codeParts(answer)[0];
const block = (diff: string, language = 'diff') => `Here:\n\n\`\`\`${language}\n${diff}\n\`\`\`\n`;
const applied = (file: string, diff: string) => applyChanges(file, part(block(diff))?.changes ?? []);

const file =
  'import a\nimport b\n\n\ndef rows():\n    x = 1\n    y = 2\n    return x + y\n\n\ndef columns():\n    x = 1\n    return x\n';
const wanted = file.replace('y = 2', 'y = 3');
const body = ' def rows():\n     x = 1\n-    y = 2\n+    y = 3\n     return x + y';

describe('an answer with a diff', () => {
  test.each([
    [
      'with the headers of git',
      `diff --git a/src/a.py b/src/a.py\nindex 1..2 100644\n--- a/src/a.py\n+++ b/src/a.py\n@@ -5,4 +5,4 @@\n${body}`,
    ],
    [
      'with times in its headers',
      `--- src/a.py\t2026-01-01 00:00:00\n+++ src/a.py\t2026-01-02 00:00:00\n@@ -5,4 +5,4 @@\n${body}`,
    ],
    ['with wrong numbers', `--- a/src/a.py\n+++ b/src/a.py\n@@ -105,9 +99,2 @@ def rows():\n${body}`],
    ['without numbers', `--- a/src/a.py\n+++ b/src/a.py\n@@\n${body}`],
    ['with dots for numbers', `--- a/src/a.py\n+++ b/src/a.py\n@@ ... @@\n${body}`],
    ['without the column of context', `--- a/src/a.py\n+++ b/src/a.py\n@@ -5,4 +5,4 @@\n${body.replace(/^ /gm, '')}`],
    ['with other white space', `--- a/src/a.py\n+++ b/src/a.py\n@@ -5,4 +5,4 @@\n${body.replace(/^ +(?=x)/m, '   ')}`],
    ['with a line of context missing', `--- a/src/a.py\n+++ b/src/a.py\n@@ -3,6 +3,6 @@\n import b\n \n${body}`],
    ['with an empty line after it', `--- a/src/a.py\n+++ b/src/a.py\n@@ -5,4 +5,4 @@\n${body}\n`],
    [
      'with a note about line ends',
      `--- a/src/a.py\n+++ b/src/a.py\n@@ -5,4 +5,4 @@\n${body}\n\\ No newline at end of file`,
    ],
    ['without letters before its names', `--- src/a.py\n+++ src/a.py\n@@ -5,4 +5,4 @@\n${body}`],
    ['with half of its header', `--- a/src/a.py\n@@ -5,4 +5,4 @@\n${body}`],
    ['with the other half of its header', `+++ b/src/a.py\n@@ -5,4 +5,4 @@\n${body}`],
    ['as a patch for tools', `*** Begin Patch\n*** Update File: src/a.py\n@@ def rows():\n${body}\n*** End Patch`],
    ['in Windows line ends', `--- a/src/a.py\n+++ b/src/a.py\n@@ -5,4 +5,4 @@\n${body}`.replaceAll('\n', '\r\n')],
  ])('%s is read as changes to its file', (_, diff) => {
    for (const language of diff.split('\n')[1]?.startsWith('@@')
      ? ['diff', 'patch']
      : ['diff', 'patch', '', 'python']) {
      const read = part(block(diff, language));
      expect([read?.path, read?.changes.length]).toEqual(['src/a.py', 1]);
      expect(applyChanges(file, read?.changes ?? [])).toBe(wanted);
    }
  });

  test.each([
    ['without a header, below the path', `src/a.py\n\`\`\`diff\n@@ -5,4 +5,4 @@\n${body}\n\`\`\`\n`],
    ['of signs alone, below the path', `src/a.py\n\`\`\`diff\n${body}\n\`\`\`\n`],
    ['whose fence names the path', `\`\`\`diff title="src/a.py"\n${body}\n\`\`\`\n`],
  ])('%s is for the file that is named in it', (_, answer) => {
    expect(part(answer)?.path).toBe('src/a.py');
    expect(applyChanges(file, part(answer)?.changes ?? [])).toBe(wanted);
  });

  test.each([
    ['and words after it', '\n\nThat is all.\n\n- one\n- two\n', ['markdown']],
    ['and a list after it', '\n\n- one\n- two\n', ['markdown']],
    ['and words in the next line', '\nThat is all.\n', ['markdown']],
    ['and nothing after it', '', []],
    ['and a block after it', '\n```sh\nls\n```\n', ['code']],
  ])('is a block of its own without a fence, %s', (_, after, kindsAfter) => {
    for (const head of [
      'diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py',
      '--- a/src/a.py\n+++ b/src/a.py',
    ]) {
      const answer = `Here it is:\n\n${head}\n@@ -5,4 +5,4 @@\n${body}${after}`;
      const read = part(answer);
      expect([read?.path, read?.changes.length, read?.closed]).toEqual(['src/a.py', 1, true]);
      expect(applyChanges(file, read?.changes ?? [])).toBe(wanted);
      const whole = readAnswer(answer, 0, [], true);
      expect(whole.map(({ kind }) => kind)).toEqual(['markdown', 'code', ...kindsAfter]);
      let parts: AnswerPart[] = [];
      for (let end = 1; end <= answer.length; end++) {
        const kept = parts.slice(0, -1);
        parts = [...kept, ...readAnswer(answer.slice(0, end), parts.at(-1)?.start ?? 0, kept)];
      }
      const kept = parts.slice(0, -1);
      expect([...kept, ...readAnswer(answer, parts.at(-1)?.start ?? 0, kept, true)]).toEqual(whole);
    }
  });

  test.each([
    ['a rule and a list', 'Words\n\n--- one\n+++ two\nthree\n'],
    ['front matter', '---\ntitle: a\n---\n'],
    ['words on a command', 'diff --git a b\n\nis how to call it.\n'],
  ])('does not mistake %s without a fence for a diff', (_, answer) => {
    expect(readAnswer(answer, 0, [], true).map(({ kind }) => kind)).toEqual(['markdown']);
  });

  test('leaves out the last hunk when the answer breaks off, as added lines may be missing', () => {
    const read = part(
      `\`\`\`diff\n--- a/a.py\n+++ b/a.py\n@@ -1 +1 @@\n-import a\n+import c\n@@ -5,4 +5,4 @@\n def rows():\n     x = 1\n-    y = 2\n`,
    );
    expect([read?.unfinished, read?.changes.length]).toEqual([true, 1]);
    expect(applyChanges(file, read?.changes ?? [])).toBe(file.replace('import a', 'import c'));
  });

  test('is applied in the indentation of the file when its own differs', () => {
    const tabs = file.replace(/ {4}/g, '\t');
    const diff = `--- a/src/a.py\n+++ b/src/a.py\n@@ -5,4 +5,6 @@\n${body.replace('     return', '+    if y:\n+        y = 4\n     return')}`;
    expect(applied(tabs, diff)).toBe(tabs.replace('\ty = 2\n', '\ty = 3\n\tif y:\n\t\ty = 4\n'));
  });

  test('lists each of several files, with whether it is changed, new, deleted or renamed', () => {
    const diff = [
      'diff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n@@ -1 +1 @@\n-import a\n+import c',
      'diff --git a/new.py b/new.py\nnew file mode 100644\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1,2 @@\n+x = 1\n+y = 2',
      'diff --git a/old.py b/old.py\ndeleted file mode 100644\n--- a/old.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-x = 1',
      'diff --git a/from.py b/to.py\nsimilarity index 100%\nrename from from.py\nrename to to.py',
      'diff --git "a/gr\\303\\266\\303\\237e.py" "b/gr\\303\\266\\303\\237e.py"\n--- "a/gr\\303\\266\\303\\237e.py"\n+++ "b/gr\\303\\266\\303\\237e.py"\n@@ -1 +1 @@\n-a\n+b',
      'diff --git a/my notes.txt b/my notes.txt\n--- a/my notes.txt\t\n+++ b/my notes.txt\t\n@@ -1 +1 @@\n-a\n+b',
      'diff --git a/x.png b/x.png\nindex 1..2 100644\nBinary files a/x.png and b/x.png differ',
    ].join('\n');
    expect(
      part(block(diff))?.files.map(({ kind, paths, to, changes }) => [kind, paths[0], to, changes.length]),
    ).toEqual([
      ['change', 'src/a.py', undefined, 1],
      ['new', 'new.py', undefined, 1],
      ['removed', 'old.py', undefined, 1],
      ['renamed', 'from.py', 'to.py', 0],
      ['change', 'größe.py', undefined, 1],
      ['change', 'my notes.txt', undefined, 1],
    ]);
    const [, added, removed] = part(block(diff))?.files ?? [];
    expect(added?.changes[0]?.replace).toBe('x = 1\ny = 2\n');
    expect(fitChanges('x = 1\n', removed?.changes ?? [])).toEqual({ text: '', failures: [], count: 1 });
  });

  test('finds its file by names with and without a/ and b/, and beside a backup copy', () => {
    const paths = (from: string, to: string) => part(block(`--- ${from}\n+++ ${to}\n@@ -1 +1 @@\n-a\n+b`))?.files[0];
    expect(paths('a/x.py', 'b/x.py')?.paths[0]).toBe('x.py');
    expect(paths('a/x.py', 'a/x.py')?.paths[0]).toBe('a/x.py');
    expect(paths('x.py.orig', 'x.py')).toMatchObject({ kind: 'change', paths: ['x.py', 'x.py.orig'] });
    expect(part('```diff\nsrc/a.py\n@@ -1 +1 @@\n-a\n+b\n```\n')?.path).toBe('src/a.py');
    expect(part('```diff\n# src/a.py\n-a\n+b\n```\n')?.path).toBe('src/a.py');
  });

  test('is applied without the extra space after each sign', () => {
    const diff = '--- a/src/a.py\n+++ b/src/a.py\n@@ @@\n- import a\n+ import c\n  import b';
    expect(applied(file, diff)).toBe(file.replace('import a', 'import c'));
  });

  test('adds, deletes and moves files in the format of patch tools', () => {
    const diff =
      '*** Begin Patch\n*** Add File: new.py\n+x = 1\n*** Delete File: old.py\n*** Update File: a.py\n*** Move to: b.py\n@@\n-x\n+y\n*** End Patch';
    expect(part(block(diff, ''))?.files.map(({ kind, paths, to }) => [kind, paths[0], to])).toEqual([
      ['new', 'new.py', undefined],
      ['removed', 'old.py', undefined],
      ['renamed', 'a.py', 'b.py'],
    ]);
  });

  test('reports each hunk that does not fit, and applies the others', () => {
    const diff = `--- a/a.py\n+++ b/a.py\n@@ -1,2 +1,2 @@\n-import a\n+import c\n import b\n@@ -40,3 +40,3 @@\n one\n-two\n+2\n three\n@@ -5,4 +5,4 @@\n${body}`;
    const { text, failures, count } = fitChanges(file, part(block(diff))?.changes ?? []);
    expect(count).toBe(3);
    expect(failures).toEqual(['Hunk 2 (near line 40) does not match the file.']);
    expect(text).toBe(wanted.replace('import a', 'import c'));
  });

  test('places a hunk that fits twice by its neighbours and correct line numbers, or not at all', () => {
    const twice = '@@ -12,1 +12,1 @@\n-    x = 1\n+    x = 5';
    expect(() => applied(file, `--- a/a.py\n+++ b/a.py\n${twice}`)).toThrow('in 2 places');
    const before = '@@ -11 +11 @@\n-def columns():\n+def columns(n):';
    expect(applied(file, `--- a/a.py\n+++ b/a.py\n${before}\n${twice}`)).toBe(
      file.replace('columns()', 'columns(n)').replace(/x = 1(?=\n {4}return x\n)/, 'x = 5'),
    );
    const first = '@@ -1 +1 @@\n-import a\n+import c';
    expect(applied(file, `--- a/a.py\n+++ b/a.py\n${first}\n${twice}`)).toBe(
      file.replace('import a', 'import c').replace(/x = 1(?=\n {4}return x\n)/, 'x = 5'),
    );
    const wrong = first.replaceAll('1 ', '3 ');
    expect(() => applied(file, `--- a/a.py\n+++ b/a.py\n${wrong}\n${twice}`)).toThrow('2 places');
  });

  test('refuses a hunk that only adds lines, without context', () => {
    expect(() => applied(file, '--- a/a.py\n+++ b/a.py\n@@ -3,0 +4 @@\n+import c')).toThrow('no context lines');
    expect(applied('', '--- a/a.py\n+++ b/a.py\n@@ -0,0 +1 @@\n+import c')).toBe('import c\n');
  });

  test('removes and adds lines that look like headers of a diff', () => {
    const sql = 'a\n-- old\nb\n';
    expect(applied(sql, '--- a/a.sql\n+++ b/a.sql\n@@ -1,3 +1,3 @@\n a\n--- old\n+++ new\n b')).toBe('a\n++ new\nb\n');
  });

  test.each([
    ['a list', '- one\n- two\n+ three'],
    ['front matter', '---\ntitle: a\n---\n\n# A'],
    ['sums', 'x = 1\n- y\n+ z'],
    ['a file that is a diff', `@@ -1 +1 @@\n-a\n+b`],
  ])('does not mistake %s for a diff', (name, text) => {
    const answer =
      name === 'a file that is a diff'
        ? `fixtures/x.patch\n${block(text, 'diff').replace('Here:\n\n', '')}`
        : block(text, '');
    expect(part(answer)?.files).toEqual([]);
    expect(part(answer)?.text).toBe(`${text}\n`);
  });

  test('with thousands of headers and signs is read in bounded work', () => {
    const headers = '--- a/x.py\n+++ b/x.py\n'.repeat(5000);
    expect(part(block(headers))?.files).toEqual([]);
    const hunks = `--- a/x.py\n+++ b/x.py\n${'@@ -1 +1 @@\n-a\n+b\n'.repeat(2000)}`;
    expect(fitChanges('a\n', part(block(hunks))?.changes ?? []).failures).toHaveLength(1999);
  });
});

describe('git diffs of real files, damaged as models damage them', () => {
  const root = path.resolve(import.meta.dirname, '../../../..');
  const sources = execFileSync('git', ['ls-files', 'extension', 'language-server', 'native', 'media', 'docs'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((name) => /\.(?:ts|cc|h|md|json)$/.test(name));
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-diff-'));
    mkdirSync(path.join(folder, 'a'));
    mkdirSync(path.join(folder, 'b'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  let seed = 3;
  const random = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  const edited = (lines: readonly string[]) => {
    const out = [...lines];
    for (let edits = 1 + random(4); edits > 0; edits--) {
      const at = random(out.length);
      const line = out[at] ?? '';
      const kind = random(4);
      out.splice(
        at,
        kind === 0 ? 1 + random(3) : kind === 1 ? 0 : 1,
        ...(kind === 0
          ? []
          : [`${/^\s*/.exec(line)?.[0]}${['changed', 'added', line.trim()][random(3)]} ${random(1000)}`]),
      );
    }
    return out;
  };
  const spoils: Readonly<Record<string, (hunk: string[]) => string[]>> = {
    nothing: (hunk) => hunk,
    'the numbers': ([head = '', ...rest]) => [head.replace(/\d+/g, () => String(random(400))), ...rest],
    'the first numbers': ([head = '', ...rest]) => [
      head.replace(/-(\d+)/, (_, line) => `-${Math.max(1, Number(line) + random(41) - 20)}`),
      ...rest,
    ],
    'no numbers': ([, ...rest]) => ['@@ @@', ...rest],
    'no column of context': ([head = '', ...rest]) => [head, ...rest.map((line) => line.replace(/^ /, ''))],
    'no blanks at the ends': ([head = '', ...rest]) => [head, ...rest.map((line) => line.trimEnd())],
    'tabs for blanks': ([head = '', ...rest]) => [
      head,
      ...rest.map((line) =>
        /^[ -]/.test(line)
          ? (line[0] ?? '') + line.slice(1).replace(/^(?: {2})+/, (blanks) => '\t'.repeat(blanks.length / 2))
          : line,
      ),
    ],
    'a line of context less': ([head = '', ...rest]) => {
      const context = rest.flatMap((line, at) => (line.startsWith(' ') ? [at] : []));
      const gone = context[random(context.length)];
      const left = rest.filter((_, at) => at !== gone);
      // added lines without context on one side say nothing of a line that was there
      const isCut = left[0]?.startsWith('+') || left.at(-1)?.startsWith('+');
      return [head.replace(/\d+/g, () => String(random(400))), ...(isCut ? rest : left)];
    },
    'another line of context': ([head = '', ...rest]) => {
      const context = rest.flatMap((line, at) => (line.startsWith(' ') ? [at] : []));
      const other = context[random(context.length)];
      return [head, ...rest.map((line, at) => (at === other ? ' something else' : line))];
    },
  };

  test.each(Object.keys(spoils))('%s: the result is the new version, or the misfit is reported', (name) => {
    const counts = { whole: 0, partly: 0, refused: 0 };
    for (let round = 0; round < 40; round++) {
      const old = readFileSync(path.join(root, sources[random(sources.length)] ?? ''), 'utf8');
      const fresh = `${edited(old.trimEnd().split('\n')).join('\n')}\n`;
      writeFileSync(path.join(folder, 'a', 'x.txt'), old);
      writeFileSync(path.join(folder, 'b', 'x.txt'), fresh);
      const { stdout } = spawnSync(
        'git',
        ['diff', '--no-index', `-U${[3, 3, 1, 2][random(4)]}`, 'a/x.txt', 'b/x.txt'],
        { cwd: folder, encoding: 'utf8' },
      );
      if (stdout === '') {
        continue;
      }
      const [head = '', ...hunks] = stdout.trimEnd().split(/\n(?=@@ )/);
      const spoiled = hunks.map((hunk) => (spoils[name]?.(hunk.split('\n')) ?? []).join('\n'));
      const answer = `~~~~~~diff\n${[head, ...spoiled].join('\n')}\n~~~~~~\n`;
      const { text, failures, count } = fitChanges(old, part(answer)?.changes ?? []);
      expect(count).toBe(hunks.length);
      if (failures.length === 0) {
        expect(text).toBe(fresh);
        counts.whole++;
      } else {
        // what was made of it is a part of what was meant
        const meant = hunksOf(old, fresh).map(({ oldStart, newText }) => JSON.stringify([oldStart, newText]));
        for (const { oldStart, newText } of hunksOf(old, text)) {
          expect(meant).toContain(JSON.stringify([oldStart, newText]));
        }
        counts[failures.length === count ? 'refused' : 'partly']++;
      }
    }
    expect(counts.whole).toBeGreaterThan(
      name === 'another line of context' || name === 'a line of context less' ? 8 : 15,
    );
  });
});
