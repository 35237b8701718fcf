import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { debounceMs, UpdateSchedule } from '../../../language-server/index/update-schedule';

/** Updates that end when the test says so. */
function scheduled() {
  const running: { readonly signal: AbortSignal; end(): void }[] = [];
  let done = 0;
  const schedule = new UpdateSchedule(
    (signal) =>
      new Promise<void>((resolve) => {
        running.push({ signal, end: resolve });
      }),
    () => {
      done++;
    },
  );
  const endLast = async () => {
    running.at(-1)?.end();
    await vi.advanceTimersByTimeAsync(0);
  };
  return { schedule, running, endLast, done: () => done };
}

describe('updates', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('come once for a burst of events, after its last one', () => {
    const { schedule, running } = scheduled();
    for (let event = 0; event < 50; event++) {
      schedule.request();
      vi.advanceTimersByTime(debounceMs - 1);
    }
    expect(running).toHaveLength(0);
    vi.advanceTimersByTime(1);
    expect(running).toHaveLength(1);
  });

  it('run one at a time, and once more for all events that came meanwhile', async () => {
    const { schedule, running, endLast, done } = scheduled();
    schedule.request(0);
    vi.advanceTimersByTime(0);
    for (let event = 0; event < 50; event++) {
      schedule.request();
    }
    vi.advanceTimersByTime(10 * debounceMs);
    expect([running.length, schedule.isRunning]).toEqual([1, true]);
    await endLast();
    expect([done(), schedule.isRunning]).toEqual([1, false]);
    vi.advanceTimersByTime(debounceMs);
    expect(running).toHaveLength(2);
    await endLast();
    vi.advanceTimersByTime(10 * debounceMs);
    expect([running.length, done()]).toEqual([2, 2]);
  });

  it('come at once after one that was aborted for a newer state', async () => {
    const { schedule, running, endLast } = scheduled();
    schedule.request(0);
    vi.advanceTimersByTime(0);
    schedule.abort();
    schedule.request(0);
    expect(running[0]?.signal.aborted).toBe(true);
    await endLast();
    vi.advanceTimersByTime(0);
    expect(running).toHaveLength(2);
  });

  it('do not wait for their moment when somebody waits for them', async () => {
    const { schedule, running, endLast } = scheduled();
    schedule.request();
    let settled = false;
    void schedule.settled().then(() => {
      settled = true;
    });
    expect(running).toHaveLength(1);
    schedule.request();
    await endLast();
    expect([running.length, settled]).toEqual([2, false]);
    await endLast();
    expect(settled).toBe(true);
  });

  it('end with the schedule', async () => {
    const { schedule, running, endLast } = scheduled();
    schedule.request(0);
    vi.advanceTimersByTime(0);
    schedule.request();
    const closed = schedule.close();
    expect(running[0]?.signal.aborted).toBe(true);
    await endLast();
    await closed;
    schedule.request(0);
    vi.advanceTimersByTime(10 * debounceMs);
    expect(running).toHaveLength(1);
  });
});
