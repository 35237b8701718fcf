/** Work under an AbortSignal, which is left without a listener at the end: a long-lived signal would keep them all. */

interface Task<T> {
  readonly promise: Promise<T>;
  cancel(): void;
}

/** @throws what the task ends with; CANCELLED when the signal aborts */
export async function cancellable<T>(task: Task<T>, signal: AbortSignal): Promise<T> {
  const cancel = () => task.cancel();
  signal.addEventListener('abort', cancel);
  try {
    if (signal.aborted) {
      cancel();
    }
    return await task.promise;
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}

/** Until the work is done or the signal aborts, whichever is first; what the work gives is its own business. */
export async function doneOrAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) {
    return;
  }
  let end = () => {};
  const aborted = new Promise<void>((resolve) => {
    end = resolve;
  });
  signal.addEventListener('abort', end);
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
