import { expect, test } from 'vitest';
import { Scheduler } from '../../../language-server/completion/scheduler';

const uri = 'file:///a.ts';
const never = new AbortController().signal;

test('a newer request for a document cancels the older one, and begins only after it has ended', async () => {
  const scheduler = new Scheduler();
  const order: string[] = [];
  let letGo: () => void = () => undefined;
  const older = scheduler.inline(uri, never, async (signal) => {
    order.push('older begins');
    await new Promise<void>((resolve) => {
      letGo = resolve;
    });
    order.push(`older ends, ${signal.aborted ? 'aborted' : 'wanted'}`);
    throw new Error('cancelled');
  });
  await Promise.resolve();
  const newer = scheduler.inline(uri, never, async () => order.push('newer'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(order).toEqual(['older begins']);
  letGo();
  await expect(older).rejects.toMatchObject({ code: 'SUPERSEDED' });
  await newer;
  expect(order).toEqual(['older begins', 'older ends, aborted', 'newer']);
});

test('a request that is superseded while it waits never begins', async () => {
  const scheduler = new Scheduler();
  let letGo: () => void = () => undefined;
  const first = scheduler.inline(
    uri,
    never,
    () =>
      new Promise<void>((resolve) => {
        letGo = resolve;
      }),
  );
  await Promise.resolve();
  let began = false;
  const second = scheduler.inline(uri, never, async () => {
    began = true;
  });
  const third = scheduler.inline(uri, never, async () => 'third');
  letGo();
  await first.catch(() => undefined);
  await expect(second).rejects.toMatchObject({ code: 'SUPERSEDED' });
  expect(await third).toBe('third');
  expect(began).toBe(false);
});

test("requests for other documents do not wait, and the caller's signal cancels a request", async () => {
  const scheduler = new Scheduler();
  const controller = new AbortController();
  const held = scheduler.inline(
    uri,
    controller.signal,
    (signal) =>
      new Promise<string>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('heard')));
      }),
  );
  await Promise.resolve();
  expect(await scheduler.inline('file:///b.ts', never, async () => 'other')).toBe('other');
  controller.abort();
  await expect(held).rejects.toThrow('heard');
});
