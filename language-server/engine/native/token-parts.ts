/** Prompts are put together from parts, so that texts of users never become special tokens. */

export type TokenPart = Int32Array | readonly number[];

export function concatenate(parts: readonly TokenPart[]): Int32Array {
  const all = new Int32Array(countTokens(parts));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

export function countTokens(parts: readonly TokenPart[]): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}
