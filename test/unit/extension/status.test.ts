import { describe, expect, test } from 'vitest';
import { RestartPolicy, type ServerView } from '../../../extension/server/life';
import { statusText } from '../../../extension/status/text';
import { plainMarkdown, statusTooltip } from '../../../extension/status/tooltip';
import { formatBytes, formatCompact, formatMs, formatPercent } from '../../../language-server/protocol/format';
import type { CacheStatus, Status } from '../../../language-server/protocol/server';

const view = (status: Status): ServerView => ({ life: 'running', status });
const cache = (part: Partial<CacheStatus>): CacheStatus => ({
  tokens: 1204,
  contextTokens: 8192,
  fullBytes: 27_740_160,
  fastBytes: 29_000_000,
  slowBytes: 0,
  ...part,
});
const noModel: Status = {
  state: 'off',
  problem: { code: 'MODEL_NOT_FOUND', message: 'There is no model at /a_b/*.gguf.', remedy: 'Download one.' },
};

describe('the status item and its tooltip', () => {
  test('show the number of cached tokens and the share of memory saved', () => {
    expect(statusText(view({ state: 'ready', cache: cache({ saved: 0.729 }) }))).toEqual({
      text: '$(chip) FASA 1,204 tokens, 72 % saved',
      label: 'FASA Code: 1,204 tokens, 72 % saved',
      severity: 'normal',
    });
  });

  test.each([undefined, -0.06, 0, 0.004])('show no saving when the share saved is %s', (saved) => {
    const record = cache(saved === undefined ? {} : { saved });
    expect(statusText(view({ state: 'ready', cache: record })).text).toBe('$(chip) FASA 1,204 tokens');
    expect(statusTooltip(view({ state: 'ready', cache: record }))).not.toMatch(/saved/);
  });

  test('show no figure that is missing from the status', () => {
    expect(statusText(view({ state: 'ready' })).text).toBe('$(chip) FASA ready');
    expect(statusText(view({ state: 'loading' })).text).toBe('$(loading~spin) FASA loading model');
    expect(statusText(view({ state: 'loading', progress: 0.456 })).text).toBe(
      '$(loading~spin) FASA loading model 45 %',
    );
    expect(statusTooltip(view({ state: 'ready' }))).not.toMatch(/\d/);
  });

  test('are in the warning colour without a model and during a restart, in the error colour on errors, else in none', () => {
    expect(statusText(view(noModel))).toMatchObject({ text: '$(warning) FASA no model', severity: 'warning' });
    expect(statusText({ life: 'restarting' }).severity).toBe('warning');
    expect(statusText({ life: 'gave-up' }).severity).toBe('error');
    expect(statusText(view({ state: 'error' })).severity).toBe('error');
    for (const state of ['starting', 'loading', 'encoding', 'ready', 'busy', 'paused', 'off'] as const) {
      expect(statusText(view({ state })).severity, state).toBe('normal');
    }
  });

  test('show a download, in the status item where there is no model yet', () => {
    const download = { model: 'a/b', name: 'Tiny 1B', step: 'Downloading', doneBytes: 43e6, totalBytes: 1e8 };
    expect(statusText(view({ ...noModel, download }))).toMatchObject({
      text: '$(loading~spin) FASA downloading 43 %',
      severity: 'normal',
    });
    expect(statusTooltip(view({ ...noModel, download }))).toContain('Downloading Tiny 1B, 43 %: Downloading');
    expect(statusText(view({ state: 'ready', download })).text).toBe('$(chip) FASA ready');
  });

  test('count the files while a repository is encoded', () => {
    const repository = {
      files: 80,
      filesEncoded: 12,
      tokens: 40_000,
      tokensEncoded: 5000,
      leftOut: { ignored: 3, secret: 1 },
      encoding: { filesDone: 2, files: 70, tokensDone: 900, tokens: 35_900, secondsLeft: 90 },
      diskBytes: 1.5e9,
    };
    const encoding = view({ state: 'encoding', repository });
    expect(statusText(encoding).text).toBe('$(loading~spin) FASA 12 of 80 files');
    const tooltip = statusTooltip(encoding);
    expect(tooltip).toContain('5,000 of 40K tokens, 12 of 80 files in the context');
    expect(tooltip).toContain('encoding, 2 of 70 files done, 90 s left');
    expect(tooltip).toContain('3 ignored, 1 secret');
    expect(tooltip).toContain('1.5 GB on disk');
    expect(tooltip).toContain('command:fasa.showContext');
  });

  test('show a speed-up only when it was measured', () => {
    const speed = (speedup: number) => ({
      fasaMsPerToken: 10,
      denseMsPerToken: 10 * speedup,
      speedup,
      atTokens: 8192,
      measuredAt: '2026-01-01T00:00:00.000Z',
    });
    expect(statusText(view({ state: 'ready', cache: cache({ saved: 0.72 }), speed: speed(1.98) }))).toEqual({
      text: '$(chip) FASA 1,204 tokens, 72 % saved, 1.9x',
      label: 'FASA Code: 1,204 tokens, 72 % saved, 1.9 times as fast as dense',
      severity: 'normal',
    });
    expect(statusText(view({ state: 'ready', cache: cache({}), speed: speed(1.01) })).text).toBe(
      '$(chip) FASA 1,204 tokens',
    );
  });

  test('say that completions are too slow, why, and what helps', () => {
    const slow = {
      cause: 'feeding',
      message: '3 of the last 5 completions were not done within 5.0 s.',
      remedy: 'Read less of the current file.',
    } as const;
    expect(statusText(view({ state: 'ready', slow }))).toEqual({
      text: '$(warning) FASA too slow here',
      label: 'FASA Code: too slow here',
      severity: 'warning',
    });
    const tooltip = statusTooltip(view({ state: 'ready', slow }));
    expect(tooltip).toContain('3 of the last 5 completions were not done within 5\\.0 s\\.');
    expect(tooltip).toContain('(command:fasa.shortenTail)');
    expect(tooltip).toContain('(command:fasa.chooseModel)');
    expect(statusTooltip(view({ state: 'ready' }))).not.toContain('fasa.shortenTail');
  });

  test('offer links to get a model when there is none', () => {
    const tooltip = statusTooltip(view(noModel));
    expect(tooltip).toContain('There is no model at /a\\_b/\\*\\.gguf\\.');
    expect(tooltip).toContain('Download one\\.');
    expect(tooltip).toContain('(command:fasa.downloadDefaultModel)');
    expect(tooltip).toContain('(command:fasa.chooseModel)');
    expect(tooltip).not.toContain('(command:fasa.pause)');
  });

  test('show speed and fidelity once they were measured', () => {
    const measured = statusTooltip(
      view({
        state: 'ready',
        speed: {
          fasaMsPerToken: 17.84,
          denseMsPerToken: 35.4,
          speedup: 1.98,
          atTokens: 8192,
          measuredAt: '2026-01-01T00:00:00.000Z',
        },
        fidelity: { meanKl: 0.00512, agreement: 0.969, samples: 32 },
      }),
    );
    expect(measured).toContain('| Measured | 17.8 ms per token with FASA, 35.4 ms dense |');
    expect(measured).toContain('|  | 2.0 times as fast with 8,192 cached tokens |');
    expect(measured).toContain('|  | 96 % of 32 tokens are the same as with dense attention |');
    expect(measured).toContain('|  | mean KL divergence 0.0051 nats |');
    expect(statusTooltip(view({ state: 'ready' }))).not.toContain('Measured');
  });

  test('offer to resume when paused and to pause when ready', () => {
    expect(statusTooltip(view({ state: 'paused' }))).toContain('(command:fasa.resume)');
    expect(statusTooltip(view({ state: 'ready' }))).toContain('(command:fasa.pause)');
    expect(statusTooltip({ life: 'gave-up' })).not.toContain('(command:fasa.pause)');
  });

  test('escape links, codicons and table cells in the name of a model', () => {
    const model = {
      name: '[x](command:fasa.pause) | $(zap) <b>**bold**</b>\nline',
      architecture: 'llama',
      parameters: 134_515_008,
      quantization: 'q4_1',
      trainedContext: 8192,
      bytes: 98_362_432,
      fillInTheMiddle: false,
    };
    const row = statusTooltip(view({ state: 'paused', model }))
      .split('\n')
      .find((line) => line.startsWith('| Model'));
    expect(row).toContain('\\[x\\]\\(command\\:fasa\\.pause\\) \\| \\$\\(zap\\) \\<b\\>\\*\\*bold\\*\\*\\</b\\> line');
  });
});

describe('the restart policy of the server', () => {
  test('waits 1, 2, 4, 8 s and gives up at the fifth exit within three minutes', () => {
    const policy = new RestartPolicy();
    const steps = [0, 10_000, 20_000, 30_000, 40_000].map((now) => policy.ended(now));
    expect(steps).toEqual([
      { action: 'restart', delayMs: 1000, first: true },
      { action: 'restart', delayMs: 2000, first: false },
      { action: 'restart', delayMs: 4000, first: false },
      { action: 'restart', delayMs: 8000, first: false },
      { action: 'give-up' },
    ]);
  });

  test('ignores exits of more than three minutes ago, and those before the user restarted', () => {
    const policy = new RestartPolicy();
    policy.ended(0);
    expect(policy.ended(RestartPolicy.windowMs)).toMatchObject({ delayMs: 1000, first: true });
    policy.reset();
    expect(policy.ended(RestartPolicy.windowMs + 1)).toMatchObject({ delayMs: 1000, first: true });
  });
});

describe('formatting of figures', () => {
  test.each([
    [formatCompact(0), '0'],
    [formatCompact(9999), '9,999'],
    [formatCompact(12_345), '12.3K'],
    [formatPercent(0.999), '99 %'],
    [formatBytes(999), '999 B'],
    [formatBytes(1500), '1.5 kB'],
    [formatBytes(98_362_432), '98.4 MB'],
    [formatBytes(491_400_064), '491 MB'],
    [formatMs(320.4), '320 ms'],
    [formatMs(1550), '1.6 s'],
  ])('%s is formatted as %s', (formatted, expected) => expect(formatted).toBe(expected));

  test('plain text is cut to the maximum length', () => expect(plainMarkdown('abcdef', 4)).toBe('abc…'));
});
