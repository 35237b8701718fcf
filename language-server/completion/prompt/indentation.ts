/** The indentation unit of a document, and indents in another unit. */

type IndentUnit = '\t' | '  ' | '    ' | (string & {});

const maxLines = 2000;

/** @returns a tab, or as many spaces as most steps between indented lines have; undefined where nothing is indented */
export function indentUnit(text: string): IndentUnit | undefined {
  let tabs = 0;
  const steps = new Map<number, number>();
  let before = 0;
  for (const line of text.split('\n', maxLines)) {
    const indent = /^[ \t]*(?=\S)/.exec(line)?.[0];
    if (indent === undefined) {
      continue;
    }
    if (indent.startsWith('\t')) {
      tabs++;
      continue;
    }
    const step = Math.abs(indent.length - before);
    if (step > 1 && step <= 8) {
      steps.set(step, (steps.get(step) ?? 0) + 1);
    }
    before = indent.length;
  }
  const spaced = [...steps.values()].reduce((sum, count) => sum + count, 0);
  if (tabs > spaced) {
    return '\t';
  }
  const [best] = [...steps.entries()].sort((left, right) => right[1] - left[1]);
  return best === undefined ? undefined : ' '.repeat(best[0]);
}

/**
 * The same depth in another unit. Spaces that are no whole step stay spaces: they align, and do not indent.
 * @param ownSpaces how many spaces one step of the text itself has
 */
export function reindent(indent: string, unit: IndentUnit, ownSpaces: number): string {
  const levels = indent.split('\t').length - 1;
  const spaces = indent.replaceAll('\t', '').length;
  if (unit === '\t') {
    const more = Math.floor(spaces / ownSpaces);
    return '\t'.repeat(levels + more) + ' '.repeat(spaces % ownSpaces);
  }
  return unit.repeat(levels) + ' '.repeat(spaces);
}
