/** Says in words for the user what cannot be done, and why; the log would have nothing to add. */
export class UserError extends Error {}

export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
