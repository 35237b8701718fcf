import { describe, expect, it } from 'vitest';
import { EngineError, toEngineError } from '../../../language-server/base/errors';
import { PreemptibleTask } from '../../../language-server/engine/preemptible-task';

/** Tasks that end when the test says so; `cancel` rejects, as the addon's does. */
function queue() {
  const tasks: { resolve(value: string): void; reject(error: unknown): void; cancel(): void }[] = [];
  const start = () => {
    let resolve: (value: string) => void = () => undefined;
    let reject: (error: unknown) => void = () => undefined;
    const promise = new Promise<string>((resolveIt, rejectIt) => {
      resolve = resolveIt;
      reject = rejectIt;
    });
    const cancel = () => reject(new EngineError('CANCELLED', 'cancelled'));
    tasks.push({ resolve, reject, cancel });
    return { promise, cancel };
  };
  return { tasks, start };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'none',
    (error: unknown) => toEngineError(error).code,
  );

describe('a preemptible task', () => {
  it('is queued before run returns, so that more urgent work queued next finds it there', () => {
    const { tasks, start } = queue();
    void new PreemptibleTask({ start }).run();
    expect(tasks).toHaveLength(1);
  });

  it('is queued again each time it is preempted, and answers in the end', async () => {
    const { tasks, start } = queue();
    const task = new PreemptibleTask({ start });
    const answer = task.run();
    for (const count of [2, 3]) {
      task.preempt();
      await turn();
      expect(tasks).toHaveLength(count);
    }
    tasks[2]?.resolve('done');
    expect(await answer).toBe('done');
    expect(task.current).toBeUndefined();
    task.preempt();
    expect(tasks).toHaveLength(3);
  });

  it('is not queued again when it was cancelled by somebody else, or when its signal aborts', async () => {
    const other = queue();
    const first = codeOf(new PreemptibleTask({ start: other.start }).run());
    other.tasks[0]?.cancel();
    expect(await first).toBe('CANCELLED');

    const { tasks, start } = queue();
    const abort = new AbortController();
    const task = new PreemptibleTask({ start, signal: abort.signal });
    const second = codeOf(task.run());
    task.preempt();
    abort.abort();
    expect(await second).toBe('CANCELLED');
    expect(tasks).toHaveLength(1);
  });

  it('is not begun with a signal that is aborted already', async () => {
    const { tasks, start } = queue();
    expect(await codeOf(new PreemptibleTask({ start, signal: AbortSignal.abort() }).run())).toBe('CANCELLED');
    expect(tasks).toHaveLength(0);
  });

  it('is not queued again when it is no longer wanted', async () => {
    const { tasks, start } = queue();
    const task = new PreemptibleTask({ start, mayRestart: () => false });
    const answer = codeOf(task.run());
    task.preempt();
    expect(await answer).toBe('CANCELLED');
    expect(tasks).toHaveLength(1);
  });

  it('is queued again after a failure whose cause was removed, and fails with any other', async () => {
    const { tasks, start } = queue();
    const answer = codeOf(new PreemptibleTask({ start, recover: ({ code }) => code === 'BAD_CHUNK' }).run());
    tasks[0]?.reject(new EngineError('BAD_CHUNK', 'short'));
    await turn();
    expect(tasks).toHaveLength(2);
    tasks[1]?.reject(new EngineError('BACKEND', 'broken'));
    expect(await answer).toBe('BACKEND');
  });

  it('waits before each start for what has to come first', async () => {
    const { tasks, start } = queue();
    const waits: (() => void)[] = [];
    const task = new PreemptibleTask({ start, beforeStart: () => new Promise<void>((resolve) => waits.push(resolve)) });
    const answer = task.run();
    expect(tasks).toHaveLength(0);
    task.preempt();
    waits[0]?.();
    await turn();
    expect(tasks).toHaveLength(1);
    task.preempt();
    await turn();
    expect([tasks.length, waits.length]).toEqual([1, 2]);
    waits[1]?.();
    await turn();
    tasks[1]?.resolve('done');
    expect(await answer).toBe('done');
  });
});
