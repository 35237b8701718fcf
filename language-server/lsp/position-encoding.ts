/** Positions as the client counts them. Inside the server a column is a number of UTF-16 units, as strings have them. */

export type PositionEncoding = 'utf-8' | 'utf-16' | 'utf-32';

const known: readonly PositionEncoding[] = ['utf-8', 'utf-16', 'utf-32'];

/** The first that both sides know: clients name them best first. Without any: UTF-16, as LSP has it. */
export function choosePositionEncoding(offered: unknown): PositionEncoding {
  const list: readonly unknown[] = Array.isArray(offered) ? offered : [];
  return list.find((one): one is PositionEncoding => known.some((name) => name === one)) ?? 'utf-16';
}

/**
 * Column of the client's to UTF-16 units. Behind the end of the line: as many UTF-16 units behind it, which means the end.
 * Inside a character: its start.
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

/** UTF-16 units to a column of the client's. */
export function fromUtf16(line: string, units: number, encoding: PositionEncoding): number {
  if (encoding === 'utf-16') {
    return units;
  }
  const part = line.slice(0, units);
  const behind = units - part.length;
  return (encoding === 'utf-8' ? Buffer.byteLength(part, 'utf8') : [...part].length) + behind;
}

function widthOf(char: string, encoding: PositionEncoding): number {
  return encoding === 'utf-8' ? Buffer.byteLength(char, 'utf8') : 1;
}
