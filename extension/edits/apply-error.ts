/** What the user is told when an answer's code cannot be used. */
export class ApplyError extends Error {}
