/** A task of the engine thread under an AbortSignal. */

import type { NativeTask } from './addon';

/** @throws what the task ends with; CANCELLED when the signal aborts */
export async function cancellable<T>(task: NativeTask<T>, signal: AbortSignal): Promise<T> {
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
