/** Texts as lines, and what came of putting changes into one. */

export interface Fit {
  /** With all changes that fit in it. */
  readonly text: string;
  /** A sentence for each change that does not. */
  readonly failures: readonly string[];
  /** All changes. */
  readonly count: number;
}

/** Lines without their ends. */
export function splitText(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') {
    lines.pop();
  }
  return lines;
}

export function joinLines(lines: readonly string[], isEnded: boolean): string {
  return lines.length === 0 ? '' : `${lines.join('\n')}${isEnded ? '\n' : ''}`;
}

export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
