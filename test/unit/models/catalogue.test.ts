import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  catalogue,
  catalogueProblems,
  defaultModel,
  findByHubFile,
  findInCatalogue,
  matchesPattern,
  parseCatalogue,
} from '../../../language-server/models/catalogue';
import raw from '../../../language-server/models/catalogue.json';
import { supportedArchitectures } from '../../../language-server/models/support';

describe('the catalogue that ships', () => {
  test('is what its check takes, to the last field', () => {
    expect(catalogueProblems).toEqual([]);
    expect(catalogue).toHaveLength(raw.models.length);
    expect(catalogue.length).toBeGreaterThan(12);
  });

  test('has models for suggestions, for the chat, and most of them for this engine', () => {
    expect(new Set(catalogue.map(({ use }) => use))).toEqual(new Set(['inline', 'chat', 'both']));
    const ours = catalogue.filter(({ architecture }) => supportedArchitectures.includes(architecture ?? ''));
    expect(ours.length).toBeGreaterThan(catalogue.length / 2);
  });

  test('claims no size and no hash of what the hub has', () => {
    for (const model of catalogue.filter((one) => 'hub' in one)) {
      expect(Object.keys(model)).not.toContain('bytes');
      expect(Object.keys(model)).not.toContain('sha256');
    }
  });

  test('names calibrations that ship', () => {
    const folder = path.resolve(import.meta.dirname, '../../../language-server/models/calibration');
    for (const { calibration } of catalogue) {
      expect(calibration === undefined || existsSync(path.join(folder, `${calibration}.json`))).toBe(true);
    }
  });
});

describe('a model of the catalogue', () => {
  test.each(['default', 'DEFAULT', 'SmolLM2 135M Instruct', 'smollm2-135m-instruct'])('is found as %s', (name) => {
    expect(findInCatalogue(name)).toBe(defaultModel);
  });

  test('is found by the file of its repository, whatever the case', () => {
    const found = findByHubFile('qwen/qwen2.5-coder-1.5b-instruct-gguf', 'Qwen2.5-Coder-1.5B-Instruct-Q8_0.gguf');
    expect(found?.name).toBe('qwen2.5-coder-1.5b');
    expect(findByHubFile('qwen/other', 'qwen2.5-coder-1.5b-instruct-q8_0.gguf')).toBeUndefined();
  });

  test.each([
    ['a-{quantization}.gguf', 'a-q4_k_m.gguf', undefined, true],
    ['a-{quantization}.gguf', 'A-Q4_K_M.gguf', 'q4_k_m', true],
    ['a-{quantization}.gguf', 'a-q8_0.gguf', 'Q4_K_M', false],
    ['a-{quantization}.gguf', 'a-q4_k_m-00001-of-00002.gguf', 'Q4_K_M', true],
    ['a-{quantization}.gguf', 'a-more-q4_k_m.gguf', undefined, false],
    ['a-{quantization}.gguf', 'b-q4_k_m.gguf', undefined, false],
    ['a-{quantization}.gguf', 'a-.gguf', undefined, false],
  ])('has by %s the file %s of %s: %s', (pattern, file, quantization, expected) => {
    expect(matchesPattern(pattern, file, quantization)).toBe(expected);
  });
});

describe('a catalogue that was edited by hand', () => {
  const hub = { repository: 'a/b', file: 'b-{quantization}.gguf', quantization: 'Q4_K_M' };
  const good = { name: 'good', title: 'Good', license: 'MIT', use: 'both', note: 'Works.', hub };

  test.each<[what: string, entry: unknown, problem: RegExp]>([
    ['without a source', { ...good, name: 'x', hub: undefined }, /must have a hub, or a wheel/],
    ['with two sources', { ...good, name: 'x', file: 'x.gguf' }, /must have a hub, or a wheel/],
    ['with a size of a file of the hub', { ...good, name: 'x', bytes: 1 }, /must have a hub, or a wheel/],
    ['with a field that nobody knows', { ...good, name: 'x', color: 'red' }, /must not have the field color/],
    ['with a bad repository', { ...good, name: 'x', hub: { ...hub, repository: '../../etc' } }, /OWNER\/NAME/],
    ['with a bad file', { ...good, name: 'x', hub: { ...hub, file: '../{quantization}.gguf' } }, /GGUF file/],
    ['with a bad use', { ...good, name: 'x', use: 'fun' }, /must be one of inline, chat, both/],
    ['with a number that is none', { ...good, name: 'x', context: -1 }, /whole number/],
    ['that is a text', 'x', /must be an object/],
    ['of a name that is taken', good, /two models of the name good/],
  ])('loses an entry %s, and no other', (_what, entry, problem) => {
    const { models, problems } = parseCatalogue({ models: [good, entry, { ...good, name: 'last' }] });
    expect(models.map(({ name }) => name)).toEqual(['good', 'last']);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  test.each([[null], [[]], [{}], [{ models: 1 }], ['text']])('that is %j has no models, and says so', (value) => {
    const { models, problems } = parseCatalogue(value);
    expect(models).toEqual([]);
    expect(problems).toHaveLength(1);
  });
});
