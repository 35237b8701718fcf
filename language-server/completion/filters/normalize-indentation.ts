import { indentOf, isBlank } from '../../text';
import { reindent } from '../indentation';
import type { Filter } from './filter';

const opensBlock = /(?:[{([:]|=>)\s*$/;

/** The document's own unit on every line, and the cursor's indent not said twice. */
export const normalizeIndentation: Filter = (text, cursor) => {
  const lines = inUnit(text, cursor.indentUnit).split('\n');
  const [first = ''] = lines;
  const indent = cursor.linePrefix;
  if (indent !== '' && isBlank(indent) && !isBlank(first) && !opensBlock.test(cursor.lineAbove)) {
    const own = indentOf(first);
    // deeper than the cursor only behind a line that opens a block
    lines[0] = own.startsWith(indent) || own.length > 1 ? first.slice(own.length) : first;
  }
  return lines.join('\n');
};

function inUnit(text: string, unit: string | undefined): string {
  if (unit === undefined || !text.includes('\n')) {
    return text;
  }
  const foreign = unit === '\t' ? /^ {2,}/m.test(text) : /^ *\t/m.test(text);
  if (!foreign) {
    return text;
  }
  const ownSpaces = stepOfSpaces(text);
  return text
    .split('\n')
    .map((line, index) => (index === 0 ? line : reindent(indentOf(line), unit, ownSpaces) + line.trimStart()))
    .join('\n');
}

/** The step that all indents of spaces are whole multiples of: 2 or 4. */
function stepOfSpaces(text: string): number {
  const widths = [...text.matchAll(/^ +(?=\S)/gm)].map(([indent]) => indent.length);
  return widths.every((width) => width % 4 === 0) ? 4 : 2;
}
