/** Says in words for the user what cannot be done, and why: it is shown, and is no failure to look for in the log. */
export class UserError extends Error {}

export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
