/** Plain text tables for people. */

import type { Output } from '../../language-server/cli/output';
import { visibleLine } from '../../language-server/cli/printable';

export interface Column<T> {
  readonly title: string;
  readonly text: (row: T) => string;
}

/** Columns aligned to the right, a line a row. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[]): string[] {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ text }) => visibleLine(text(row)))),
  ];
  const widths = columns.map((_, i) => Math.max(...lines.map((cells) => (cells[i] ?? '').length)));
  return lines.map((cells) => cells.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  '));
}

/** A number with so many digits after the point; a dash when there is none. */
export function fixed(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? '-' : value.toFixed(digits);
}

interface Report<T> {
  /** Printed whole as JSON. */
  readonly record: object;
  /** Lines above the table. */
  readonly heading: readonly string[];
  readonly rows: readonly T[];
  readonly columns: readonly Column<T>[];
}

/** Prints the result of a measurement: its record for programs, or a table for people. */
export function printReport<T>(output: Output, json: boolean, { record, heading, rows, columns }: Report<T>): void {
  if (json) {
    output.json(record);
  } else {
    output.lines([...heading, '', ...table(rows, columns)]);
  }
}
