import { getEventListeners } from 'node:events';
import { describe, expect, test } from 'vitest';
import { linkSignals } from '../../../language-server/base/cancellable';

describe('linked signals', () => {
  test.each([0, 1])('abort with signal %i of two', (which) => {
    const controllers = [new AbortController(), new AbortController()];
    const { signal } = linkSignals(controllers.map((one) => one.signal));
    expect(signal.aborted).toBe(false);
    controllers[which]?.abort();
    expect(signal.aborted).toBe(true);
  });

  test('are aborted from the start where one of them is', () => {
    expect(linkSignals([AbortSignal.abort(), new AbortController().signal]).signal.aborted).toBe(true);
  });

  test('leave nothing on a signal that lives longer, and follow it no more', () => {
    const closing = new AbortController();
    const linked = Array.from({ length: 100 }, () => linkSignals([closing.signal]));
    expect(getEventListeners(closing.signal, 'abort')).toHaveLength(100);
    for (const { release } of linked) {
      release();
    }
    expect(getEventListeners(closing.signal, 'abort')).toHaveLength(0);
    closing.abort();
    expect(linked.some(({ signal }) => signal.aborted)).toBe(false);
  });
});
