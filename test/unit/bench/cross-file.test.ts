/** Parts of `eval cross-file` that need no model: names of a source file, cases, composition, figures. */

import { describe, expect, test } from 'vitest';
import { randomNumbers } from '../../../bench/common/statistics';
import { findCases, hasWord, isTelling, type RepositoryFile } from '../../../bench/cross-file/cases';
import { compose } from '../../../bench/cross-file/compose';
import { parseCrossFile } from '../../../bench/cross-file/options';
import { casePrompt, pack, tailStart } from '../../../bench/cross-file/prompt';
import { recallOf } from '../../../bench/cross-file/recall';
import { joinRuns, recordOf } from '../../../bench/cross-file/record';
import { figures, type Score, scoreCase } from '../../../bench/cross-file/score';
import { languageOf, SourceParser } from '../../../bench/cross-file/syntax';
import { parseCommandLine } from '../../../language-server/cli/arguments';
import { type CalibrationFile, defaultComposition } from '../../../language-server/engine/calibration/calibration';
import type { NativeChunk, NativeModel } from '../../../language-server/engine/native/addon';
import { mostRelevant, priorsOf } from '../../../language-server/index/rank/composition';

const parser = new SourceParser();

async function source(path: string, text: string): Promise<RepositoryFile> {
  const [names, language] = [await parser.names(path, text), languageOf(path)];
  if (names === undefined || language === undefined) {
    throw new Error(`${path} has no language`);
  }
  return { path, text, language, names };
}

describe('definitions and uses are found in', () => {
  test('TypeScript', async () => {
    const { names } = await source(
      'a.ts',
      `import { madeElsewhere } from './b';
export interface OpenOptions { readTimeout: number; close(): void }
export class FileReader extends BaseReader { #x = 1; openFile(filePath: string, { maxSize }: OpenOptions) { const localName = helperOf(filePath); return this.otherMember + localName; } }
export const topLevel = madeElsewhere(1);
enum Colour { DarkRed, LightBlue = 2 }
type Alias = OtherType<string>;`,
    );
    expect([...names.defined]).toEqual(
      expect.arrayContaining(['OpenOptions', 'readTimeout', 'close', 'FileReader', 'openFile', 'topLevel', 'Colour']),
    );
    expect([...names.defined]).toEqual(expect.arrayContaining(['DarkRed', 'LightBlue', 'Alias']));
    expect([...names.bound]).toEqual(expect.arrayContaining(['filePath', 'maxSize', 'localName']));
    const used = names.used.map(({ name }) => name);
    expect(used).toEqual(
      expect.arrayContaining(['BaseReader', 'helperOf', 'otherMember', 'madeElsewhere', 'OtherType']),
    );
    expect(names.defined.has('localName')).toBe(false);
  });

  test('Python', async () => {
    const { names } = await source(
      'a.py',
      `from b import made_elsewhere
MAX_SIZE: int = 3
class FileReader(BaseReader):
    read_timeout: float = 1.0
    def open_file(self, file_path: PathLike, max_size=default_size):
        local_name = helper_of(file_path)
        self.other_member = local_name
        for each_line in local_name: pass
`,
    );
    expect([...names.defined].sort()).toEqual(['FileReader', 'MAX_SIZE', 'open_file', 'read_timeout']);
    expect([...names.bound]).toEqual(expect.arrayContaining(['file_path', 'max_size', 'local_name', 'each_line']));
    const used = names.used.map(({ name }) => name);
    expect(used).toEqual(
      expect.arrayContaining(['BaseReader', 'PathLike', 'default_size', 'helper_of', 'other_member']),
    );
    expect(used).not.toContain('made_elsewhere');
  });

  test('Go', async () => {
    const { names } = await source(
      'a.go',
      `package a
import "x/y"
const MaxSize = 3
type FileReader struct { ReadTimeout int; inner OtherType }
type Opener interface { OpenFile(filePath string) error }
func (r *FileReader) Close(force bool) { localName := y.HelperOf(force); var anotherOne = r.otherMember; _ = FileReader{ReadTimeout: localName} }`,
    );
    expect([...names.defined].sort()).toEqual(
      ['Close', 'FileReader', 'MaxSize', 'OpenFile', 'Opener', 'ReadTimeout', 'inner'].sort(),
    );
    expect([...names.bound]).toEqual(expect.arrayContaining(['localName', 'anotherOne', 'force', 'filePath']));
    const used = names.used.map(({ name }) => name);
    expect(used).toEqual(expect.arrayContaining(['OtherType', 'HelperOf', 'otherMember']));
  });

  test('Rust', async () => {
    const { names } = await source(
      'a.rs',
      `use crate::b::MadeElsewhere;
pub struct FileReader { pub read_timeout: u32 }
pub enum Colour { DarkRed, LightBlue(OtherType) }
impl FileReader { pub fn open_file(&self, file_path: &PathLike) { let local_name = helper_of(file_path); if let Some(inner_one) = local_name { inner_one.other_member(); } } }
pub trait Opener { fn close_it(&self); }
const MAX_SIZE: u32 = 3;`,
    );
    expect([...names.defined]).toEqual(
      expect.arrayContaining(['FileReader', 'read_timeout', 'Colour', 'DarkRed', 'LightBlue', 'open_file', 'Opener']),
    );
    expect([...names.defined]).toEqual(expect.arrayContaining(['close_it', 'MAX_SIZE']));
    expect([...names.bound]).toEqual(expect.arrayContaining(['file_path', 'local_name']));
    const used = names.used.map(({ name }) => name);
    expect(used).toEqual(expect.arrayContaining(['OtherType', 'PathLike', 'helper_of', 'other_member']));
    expect(used).not.toContain('MadeElsewhere');
  });
});

describe('cases', () => {
  const filler = `${'x = call(1)\n'.repeat(50)}`;

  test('use names of other files that do not occur in the tail', async () => {
    const files = [
      await source('defs.py', 'class FileReader:\n    def open_file(self): pass\n    def close_file(self): pass\n'),
      await source(
        'use.py',
        `from defs import FileReader\n${filler}r = FileReader()\nr.open_file()\nr.open_file()\nlocal_one = 1\nlocal_one.close_it\n`,
      ),
    ];
    const all = { count: 10, tailStart: () => 0 };
    const found = findCases(files, all, randomNumbers(1));
    // FileReader stands in the import, the second open_file in the tail of the first
    expect(found.map(({ name }) => name)).toEqual(['open_file']);
    expect(found[0]?.definedIn).toEqual(['defs.py']);
    const text = files[1]?.text ?? '';
    expect(text.slice(found[0]?.offset, (found[0]?.offset ?? 0) + 9)).toBe('open_file');
    // with a shorter tail the import is out of sight
    const short = { count: 10, tailStart: (_: string, at: number) => at - 420 };
    const names = findCases(files, short, randomNumbers(1)).map(({ name }) => name);
    expect(names.sort()).toEqual(['FileReader', 'open_file']);
    expect(findCases(files, { ...short, count: 1 }, randomNumbers(1))).toHaveLength(1);
  });

  test('are the same for the same seed', async () => {
    const defs = Array.from({ length: 30 }, (_, i) => `def make_part_${i}(): pass\n`).join('');
    const uses = Array.from({ length: 30 }, (_, i) => `    make_part_${i}()\n`).join('');
    const files = [await source('defs.py', defs), await source('use.py', `${filler}def run_all():\n${uses}`)];
    const rules = { count: 5, tailStart: () => 0 };
    const names = (seed: number) => findCases(files, rules, randomNumbers(seed)).map(({ name }) => name);
    expect(names(1)).toEqual(names(1));
    expect(names(1)).not.toEqual(names(2));
  });

  test('use distinctive names, found as whole words', () => {
    expect(['parseFile', 'parse_file', 'HTTPServer', 'MAX_SIZE'].map(isTelling)).toEqual([true, true, true, true]);
    expect(['parse', 'a_b', '_parse_file', 'parse_file_', 'x1'].map(isTelling)).toEqual(Array(5).fill(false));
    expect(hasWord('a parseFile(', 'parseFile')).toBe(true);
    expect(hasWord('parseFiles, $parseFile', 'parseFile')).toBe(false);
  });
});

/** A token for each character. */
const characters = {
  info: { tokens: {}, vocabulary: 128 },
  tokenize: (text: string) => Int32Array.from(text, (character) => character.charCodeAt(0)),
  tokenBytes: (token: number) => Uint8Array.of(token),
} as unknown as NativeModel;

describe('prompts', () => {
  test('end where the name begins, without the space in front of it', async () => {
    const file = await source('use.py', 'first_line()\nsecond = make_it(1) + 2\nthird()\n');
    const offset = file.text.indexOf('make_it');
    const prompt = casePrompt(characters, { file, name: 'make_it', offset, definedIn: [] }, 60);
    expect(String.fromCharCode(...(prompt?.tail ?? []))).toBe('# use.py\nfirst_line()\nsecond =');
    expect(String.fromCharCode(...(prompt?.answer ?? []))).toBe(' make_it(1) + 2\n');
    expect(prompt?.nameTokens).toBe(8);
    const short = casePrompt(characters, { file, name: 'make_it', offset, definedIn: [] }, 20);
    expect(short?.tailText).toBe('second =');
    expect(casePrompt(characters, { file, name: 'make_it', offset, definedIn: [] }, 12)).toBeUndefined();
  });

  test('begin with a whole line', () => {
    const text = `${'a'.repeat(50)}\n${'b'.repeat(30)}\ncut`;
    expect(tailStart(text, text.length, 100)).toBe(0);
    expect(text.slice(tailStart(text, text.length, 10))).toBe(`${'b'.repeat(30)}\ncut`);
  });

  test('pack the best snippets that fit, the best one last', () => {
    const snippet = (length: number, score: number) => ({ tokens: new Int32Array(length).fill(score), score });
    const packed = pack([snippet(5, 1), snippet(6, 3), snippet(20, 2), snippet(3, 0)], 12);
    expect(packed.map((part) => part[0])).toEqual([1, 3]);
  });
});

describe('composition', () => {
  const chunk = (tokens: number): NativeChunk => ({
    tokens,
    fastBytes: 0,
    slowBytes: 0,
    isIntact: () => true,
    dispose: () => undefined,
  });
  const chunks = [
    { chunk: chunk(100), score: 1 },
    { chunk: chunk(200), score: 5 },
    { chunk: chunk(300), score: 3 },
  ];
  const variant = { late: 64, prior: 2, bias: 0.5, budget: 256, retrieved: 0 } as const;

  test('gives priors as standard deviations below the best', () => {
    const priors = priorsOf([1, 5, 3], 2);
    expect(priors[1]).toBe(0);
    expect(priors[0]).toBeCloseTo((2 * -4) / Math.sqrt(8 / 3), 5);
    expect([...priorsOf([2, 2], 2)]).toEqual([0, 0]);
  });

  test('puts the most relevant chunk last, nearest to the tail', () => {
    const composed = compose(chunks, variant);
    expect(composed.chunks.map(({ tokens }) => tokens)).toEqual([100, 300, 200]);
    expect(composed.bias).toBeCloseTo(0.5 * Math.log(3), 6);
  });

  test('takes the most relevant chunks that fit', () => {
    expect(mostRelevant(chunks, 500).map(({ score }) => score)).toEqual([5, 3]);
    expect(mostRelevant(chunks, 100)).toEqual([]);
    expect(mostRelevant(chunks, 600)).toBe(chunks);
  });
});

describe('scores', () => {
  /** Rows that predict the text, each with the logit of its character at 5. */
  const logitsOf = (text: string) => {
    const logits = new Float32Array(text.length * 128);
    [...text].forEach((character, i) => {
      logits[i * 128 + character.charCodeAt(0)] = 5;
    });
    return logits;
  };
  const prompt = { tail: new Int32Array(), tailText: '', answer: characters.tokenize('ab(', false), nameTokens: 2 };

  test('count a name as exact only if it is whole and then ends', () => {
    expect(scoreCase(characters, prompt, logitsOf('ab(')).exact).toBe(true);
    expect(scoreCase(characters, prompt, logitsOf('ab.')).exact).toBe(true);
    expect(scoreCase(characters, prompt, logitsOf('abc')).exact).toBe(false);
    expect(scoreCase(characters, prompt, logitsOf('ac(')).exact).toBe(false);
    const nll = Math.log(Math.exp(5) + 127) - 5;
    const score = scoreCase(characters, prompt, logitsOf('ab('));
    expect(score.nameNll).toBeCloseTo(2 * nll, 5);
    expect(score.followingNll[0]).toBeCloseTo(nll, 5);
  });

  test('are compared over the same cases', () => {
    const score = (nameNll: number, exact: boolean): Score => ({ nameNll, exact, followingNll: [1] });
    let offset = 0;
    const measured = (language: string, scores: Record<string, Score>) => ({
      repository: 'r',
      language,
      file: 'a',
      name: 'someName',
      offset: offset++,
      scores,
    });
    const result = recordOf([
      measured('go', { none: score(10, false), fasa: score(5, true), dense: score(4, true) }),
      measured('rust', { none: score(8, false), fasa: score(9, false), dense: score(6, false) }),
      measured('go', { none: score(6, true), fasa: score(4, true) }),
    ]);
    expect(result).toMatchObject({ cases: 3, casesWithDense: 2, nllNone: 8, nllFasa: 6, nllDense: 5, exactDense: 0.5 });
    const fasa = result.conditions.find(({ condition }) => condition === 'fasa');
    // over the two that have dense: 9 without, 7 with chunks, 5 dense
    expect(fasa).toMatchObject({ gainShare: 0.5, exactGainShare: 1, worstLoss: 1, casesWithDense: 2 });
    expect(fasa?.worse).toBeCloseTo(1 / 3, 6);
    const rust = result.languages.find(({ language }) => language === 'rust');
    expect(rust?.conditions.find(({ condition }) => condition === 'fasa')).toMatchObject({ cases: 1, worstLoss: 1 });
    expect(figures([score(1, true), score(3, false)])).toEqual({ cases: 2, exact: 0.5, nll: 2, followingNll: 1 });
    const compared = { ...score(1, true), distance: { kl: [0.1, 0.3, 0.2], agreeing: 2 } };
    expect(figures([compared, score(3, false)])).toMatchObject({ tokensCompared: 3, agreement: 2 / 3 });
    expect(figures([compared, score(3, false)]).meanKl).toBeCloseTo(0.2);
    const one = { repository: 'r', language: 'go', file: 'a', name: 'someName', offset: 3 };
    const runs = joinRuns([
      [{ ...one, definitionAt: { ranked: 5, bm25: 9 }, scores: { none: score(2, false) } }],
      [
        { ...one, scores: { fasa: score(1, true) } },
        { ...one, offset: 9, scores: { fasa: score(4, true) } },
      ],
    ]);
    expect(runs.map(({ scores }) => Object.keys(scores))).toEqual([['none', 'fasa'], ['fasa']]);
    expect(runs[0]?.definitionAt).toEqual({ ranked: 5, bm25: 9 });
  });

  test('count a definition within the first tokens, but not one that no chunk has', () => {
    const recall = recallOf([{ ranked: 1024, bm25: 4097 }, { ranked: 5000, bm25: 900 }, undefined, undefined]);
    expect(recall).toEqual([
      { tokens: 1024, ranked: 0.25, bm25: 0.25 },
      { tokens: 4096, ranked: 0.25, bm25: 0.25 },
      { tokens: 16_384, ranked: 0.5, bm25: 0.5 },
    ]);
  });
});

describe('options', () => {
  const parseFor = (composition: CalibrationFile['composition'], ...argv: string[]) => {
    const line = parseCommandLine(['eval', 'cross-file', ...argv], '/here');
    return line.kind === 'command' ? parseCrossFile(line.crossFile, 256, line.options.rows, composition) : undefined;
  };
  const parse = (...argv: string[]) => parseFor(undefined, ...argv);

  test('that are lists give every combination', () => {
    expect(parse()?.variants).toEqual([
      {
        late: defaultComposition.lateTokens,
        prior: defaultComposition.priorStrength,
        bias: defaultComposition.bias,
        budget: 256,
        retrieved: defaultComposition.mostTokens,
      },
    ]);
    const argv = '--late 0,64 --prior 0,1.5 --bias=-0.25,0.5 --cases 3 --conditions none,fasa';
    const options = parse(...argv.split(' '));
    expect(options?.variants).toHaveLength(8);
    expect(options).toMatchObject({ cases: 3, conditions: ['none', 'fasa'], rows: 'f16' });
  });

  test('that are missing come from the calibration of the model', () => {
    const calibrated = { mostTokens: 8192, priorStrength: 1, lateTokens: 64, bias: -0.25 };
    expect(parseFor(calibrated, '--prior', '0,4')?.variants).toEqual([
      { late: 64, prior: 0, bias: -0.25, budget: 256, retrieved: 8192 },
      { late: 64, prior: 4, bias: -0.25, budget: 256, retrieved: 8192 },
    ]);
  });

  test.each([
    ['--late', 'x'],
    ['--late', '-1'],
    ['--conditions', 'all'],
    ['--cases', '0'],
    ['--rows', 'f32'],
  ])('refuse --%s %s', (name, value) => {
    expect(() => parse(`${name}=${value}`)).toThrow(name);
  });
});
