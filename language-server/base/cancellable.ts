/** Runs work under an AbortSignal and removes its listener at the end, because a long-lived signal would keep all of them. */

/** Work that somebody else does, which may be ended: then the promise rejects with code CANCELLED. */
export interface CancellableTask<T> {
  readonly promise: Promise<T>;
  cancel(): void;
}

/** @throws the task's error; CANCELLED when the signal aborts */
export async function cancellable<T>(task: CancellableTask<T>, signal: AbortSignal): Promise<T> {
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

/** Waits until the work is done or the signal aborts, whichever comes first. The work's result is not used. */
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

/**
 * Makes a signal that aborts with any of these. Unlike `AbortSignal.any`, which leaves a weak reference on every one of them
 * for as long as it lives, it can be released when its work is done.
 */
export function linkSignals(signals: readonly AbortSignal[]): { readonly signal: AbortSignal; release(): void } {
  const own = new AbortController();
  const abort = () => own.abort();
  for (const signal of signals) {
    signal.addEventListener('abort', abort);
  }
  if (signals.some(({ aborted }) => aborted)) {
    abort();
  }
  return {
    signal: own.signal,
    release: () => {
      for (const signal of signals) {
        signal.removeEventListener('abort', abort);
      }
    },
  };
}
