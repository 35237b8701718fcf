/** An error whose message tells the user all there is to know; the log has nothing to add. */
export class UserError extends Error {}

export function describeError(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
