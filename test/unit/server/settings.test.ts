import { describe, expect, test } from 'vitest';
import { silentLog } from '../../../language-server/base/log';
import { checkSettings, defaultSettings, engineSettings } from '../../../language-server/server/settings';

describe('settings', () => {
  test.each([[undefined], [null], [{}]])('fall back to the defaults when the client sends %s', (value) => {
    expect(checkSettings(value)).toEqual({ settings: defaultSettings, problems: [] });
  });

  test('take the values that are given and keep the defaults of the others', () => {
    const { settings, problems } = checkSettings({ attention: 'fasa-c', completion: { maxTokens: 7 }, unknown: 1 });
    expect(settings).toEqual({
      ...defaultSettings,
      attention: 'fasa-c',
      completion: { ...defaultSettings.completion, maxTokens: 7 },
    });
    expect(problems).toEqual([]);
  });

  test.each([
    ['a list for all', [], 'The settings are not an object'],
    ['a number for a path', { modelPath: 3 }, 'modelPath must be a string'],
    ['an unknown mode', { attention: 'sparse' }, 'attention must be one of auto, dense, fasa-c'],
    ['half a token', { budget: 256.5 }, 'budget must be a whole number from'],
    ['a precision that there is not', { repository: { precision: 'q4_0' } }, 'repository.precision must be one of f16'],
    ['a huge number', { contextTokens: 1e12 }, 'contextTokens must be a whole number'],
    ['infinity as null', { threads: Number.NaN }, 'threads must be a whole number'],
    ['a text for a section', { completion: 'on' }, 'completion must be an object'],
    ['a language that is no text', { completion: { disabledLanguages: [1] } }, 'completion.disabledLanguages must be'],
  ])('fall back and report one problem with %s', (_name, value, problem) => {
    const checked = checkSettings(value);
    expect(checked.settings).toEqual(defaultSettings);
    expect(checked.problems).toHaveLength(1);
    expect(checked.problems[0]).toContain(problem);
  });

  test('reload the model when they concern the engine, but not when they concern completions', () => {
    const completion = { ...defaultSettings.completion, maxTokens: 1 };
    const keyOf = (settings: typeof defaultSettings) => JSON.stringify(engineSettings(settings, silentLog));
    expect(keyOf({ ...defaultSettings, completion })).toBe(keyOf(defaultSettings));
    for (const change of [
      { modelPath: 'x' },
      { attention: 'dense' },
      { budget: 1 },
      { threads: 1 },
      { contextTokens: 1 },
      { repository: { ...defaultSettings.repository, diskGigabytes: 1 } },
      { repository: { ...defaultSettings.repository, precision: 'q8_0' } },
    ]) {
      expect(keyOf({ ...defaultSettings, ...change } as typeof defaultSettings)).not.toBe(keyOf(defaultSettings));
    }
  });
});

test('a limit under its old name counts unless the new name is given', () => {
  const limit = (completion: object) => checkSettings({ completion }).settings.completion.maxFileSizeKB;
  expect(limit({ mostFileKilobytes: 7 })).toBe(7);
  expect(limit({ mostFileKilobytes: 7, maxFileSizeKB: 9 })).toBe(9);
  expect(limit({ mostFileKilobytes: null })).toBe(limit({}));
});
