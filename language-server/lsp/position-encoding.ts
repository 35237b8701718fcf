/**
 * Positions as the client counts them. Inside the server a column is a number of UTF-16 units, as strings have them.
 */

export type PositionEncoding = 'utf-8' | 'utf-16' | 'utf-32';

const known: readonly PositionEncoding[] = ['utf-8', 'utf-16', 'utf-32'];

/** The first encoding that both sides know, since clients name the best one first; without any UTF-16, as LSP says. */
export function choosePositionEncoding(offered: unknown): PositionEncoding {
  const list: readonly unknown[] = Array.isArray(offered) ? offered : [];
  return list.find((one): one is PositionEncoding => known.some((name) => name === one)) ?? 'utf-16';
}

/**
 * A column of the client as UTF-16 units. A column past the end of the line stays as many UTF-16 units past it, which means
 * the end; a column inside a character becomes the character's start.
 */
export function toUtf16(line: string, column: number, encoding: PositionEncoding): number {
  if (encoding === 'utf-16') {
    return column;
  }
  let counted = 0;
  let units = 0;
  for (const char of line) {
    const width = widthOf(char, encoding);
    if (counted + width > column) {
      return units;
    }
    counted += width;
    units += char.length;
  }
  return units + (column - counted);
}

/** UTF-16 units as a column of the client. */
export function fromUtf16(line: string, units: number, encoding: PositionEncoding): number {
  if (encoding === 'utf-16') {
    return units;
  }
  const part = line.slice(0, units);
  const past = units - part.length;
  return (encoding === 'utf-8' ? Buffer.byteLength(part, 'utf8') : [...part].length) + past;
}

function widthOf(char: string, encoding: PositionEncoding): number {
  return encoding === 'utf-8' ? Buffer.byteLength(char, 'utf8') : 1;
}
