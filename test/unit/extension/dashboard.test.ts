import { describe, expect, test } from 'vitest';
import { StatusHistory } from '../../../extension/dashboard/history';
import { dashboardSvg } from '../../../extension/dashboard/svg';
import { checkToHost, checkToView } from '../../../language-server/protocol/dashboard-page';
import type { RequestStatus, Status } from '../../../language-server/protocol/server';

function status(tokens: number, more: Partial<Status> = {}): Status {
  const cache = { tokens, contextTokens: 4096, fullBytes: tokens * 100, fastBytes: tokens * 10, slowBytes: tokens * 5 };
  return { state: 'ready', cache, ...more };
}

const request: RequestStatus = {
  kind: 'chat',
  firstTokenMs: 10,
  tokens: 5,
  tokensPerSecond: 50,
  reusedTokens: 1,
  fedTokens: 2,
  bytesReadPerToken: 3,
  queueMs: 1,
  feedMs: 9,
  decodeMs: 80,
};

describe('the status history', () => {
  test('keeps what changed, and the ends of what stayed the same', () => {
    const history = new StatusHistory();
    for (let second = 0; second < 10; second++) {
      history.add(status(100), second * 1000);
    }
    history.add(status(200), 10_000);
    expect(history.bytes.map(({ at, tokens }) => [at, tokens])).toEqual([
      [0, 100],
      [9000, 100],
      [10_000, 200],
    ]);
  });

  test('stays bounded, and keeps the first and the last sample', () => {
    const history = new StatusHistory();
    for (let second = 0; second < 5000; second++) {
      history.add(status(second + 1), second * 1000);
    }
    expect(history.bytes.length).toBeLessThanOrEqual(1000);
    expect(history.bytes[0]?.tokens).toBe(1);
    expect(history.bytes.at(-1)?.tokens).toBe(5000);
  });

  test('keeps each measurement and each request once', () => {
    const history = new StatusHistory();
    const speed = { fasaMsPerToken: 2, denseMsPerToken: 5, speedup: 2.5, atTokens: 2000, measuredAt: '2026-01-01' };
    for (const at of ['1', '1', '2']) {
      history.add(status(1, { speed, lastRequest: { ...request, at: `2026-01-01T00:00:0${at}Z` } }), 5);
    }
    expect(history.speeds).toEqual([{ at: 5, atTokens: 2000, denseMs: 5, fasaMs: 2 }]);
    expect(history.requests.map(({ at }) => at % 10_000)).toEqual([1000, 2000]);
    const { bytes, speeds, requests } = history;
    expect(() => checkToView({ kind: 'history', bytes, speeds, requests })).not.toThrow();
  });
});

describe('the exported SVG', () => {
  test('has a plot for what was measured, and is undefined when nothing was', () => {
    expect(dashboardSvg([], [])).toBeUndefined();
    const svg = dashboardSvg([], [{ at: 1, atTokens: 2000, denseMs: 5, fasaMs: 2 }]) ?? '';
    expect(svg).toContain('Time per token');
    expect(svg).not.toContain('Memory over time');
    expect(svg).not.toContain('NaN');
    const both = dashboardSvg([{ at: 1, tokens: 1, fullBytes: 100, fastBytes: 10, slowBytes: 0 }], []) ?? '';
    expect(both).toContain('Memory over time');
    expect(both).not.toMatch(/NaN|Infinity/);
  });
});

test('the dashboard rejects messages that are not its own', () => {
  expect(checkToHost({ kind: 'measure' })).toEqual({ kind: 'measure' });
  expect(() => checkToHost({ kind: 'exportSvg', svg: '<svg onload=x>' })).toThrow('must not have the field svg');
});
