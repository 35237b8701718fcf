/** Converts new lines to the indentation of the file, whatever indentation the model wrote them in. */

/** The number of lines around a change that decide its indentation; if they do not, the whole file does. */
const nearLines = 60;
/** The width of a tab in terminals: the number of spaces for one tab if nothing else decides it. */
const tabColumns = 8;
/** The step of a text that is not indented. */
const usualStep = 4;

/** @returns the unit of indentation around lines `start` to `end` (exclusive) of a file; undefined when none is indented */
export function indentUnitNear(lines: readonly string[], start: number, end: number): string | undefined {
  const near = lines.slice(Math.max(0, start - nearLines), end + nearLines);
  return indentUnit(near) ?? indentUnit(lines);
}

/** @returns a tab, or the most common step in spaces; undefined when no line is indented */
function indentUnit(lines: readonly string[]): string | undefined {
  let [tabs, spaced, before] = [0, 0, 0];
  const steps = new Map<number, number>();
  for (const line of lines) {
    const indent = line.trim() === '' ? undefined : indentOf(line);
    if (indent === undefined) {
      continue;
    }
    if (indent.startsWith('\t')) {
      tabs++;
      continue;
    }
    // a single space is before the star of a comment
    const step = indent.length - before;
    if (step > 1 && step <= 8) {
      steps.set(step, (steps.get(step) ?? 0) + 1);
    }
    spaced += indent.length > 1 ? 1 : 0;
    before = indent.length;
  }
  if (tabs > spaced) {
    return '\t';
  }
  const [best] = [...steps].sort((one, other) => other[1] - one[1] || one[0] - other[0]);
  return best === undefined ? undefined : ' '.repeat(best[0]);
}

/** A line as the model wrote it, with the same line in the file. */
export type Pair = readonly [model: string, file: string];

export class Reindenter {
  readonly #unit: string | undefined;
  readonly #step: number;
  readonly #known = new Map<string, string>();
  /** The number of columns by which all new lines are indented deeper than the old ones. */
  readonly #shift: number;
  readonly #verbatim: boolean;
  /** The indentation levels that are open: the model's columns, and the file's indentation for them. */
  #open: { readonly columns: number; readonly file: string }[] = [];
  #before = '';

  /**
   * @param pairs the old lines; @param fresh all new lines, including unchanged ones; @param stays the unchanged lines as the
   * new and the old text have them; @param unit the file's unit of indentation
   */
  constructor(pairs: readonly Pair[], fresh: readonly string[], stays: readonly Pair[], unit: string | undefined) {
    const worded = pairs.filter(([model]) => model.trim() !== '');
    for (const [model, file] of worded) {
      const indent = indentOf(model);
      if (!this.#known.has(indent)) {
        this.#known.set(indent, indentOf(file));
      }
    }
    this.#unit = unit;
    this.#step = stepOf([...pairs.map(([model]) => model), '', ...fresh], worded, unit);
    this.#verbatim = isVerbatim(worded, fresh, unit, this.#step);
    this.#shift = this.#verbatim ? 0 : this.#shiftOf(worded, fresh, stays);
  }

  /** @returns an unchanged line for the file. @param model the line in the new text; the pair has it from the old one */
  kept(model: string, [old, file]: Pair): string {
    const isMoved = model !== old && this.#columns(model) - this.#shift !== this.#columns(old);
    if (isMoved) {
      return this.added(model);
    }
    const isOther = model !== old && old === file && this.#verbatim;
    const line = isOther ? model : file;
    this.#push(model, indentOf(line));
    return line;
  }

  added(model: string): string {
    if (model.trim() === '' && !this.#verbatim) {
      return '';
    }
    if (this.#unit === undefined || this.#verbatim) {
      this.#push(model, indentOf(model));
      return model;
    }
    const indent = this.#indent(model);
    this.#push(model, indent);
    return indent + model.trimStart();
  }

  #push(model: string, file: string): void {
    if (model.trim() !== '') {
      const columns = this.#columns(model) - this.#shift;
      this.#open = [...this.#open.filter((one) => one.columns < columns), { columns, file }];
      this.#before = model;
    }
  }

  #indent(model: string): string {
    if (this.#isFileKind(indentOf(model))) {
      return indentOf(model);
    }
    const known = this.#shift === 0 ? this.#known.get(indentOf(model)) : undefined;
    if (known !== undefined) {
      return known;
    }
    const columns = this.#columns(model) - this.#shift;
    const same = this.#open.find((one) => one.columns === columns);
    if (same !== undefined) {
      return same.file;
    }
    const seen = [...this.#known].map(([indent, file]) => ({ columns: this.#columns(`${indent}x`), file }));
    const parent =
      this.#open.filter((one) => one.columns < columns).at(-1) ??
      seen.filter((one) => one.columns <= columns).sort((one, other) => other.columns - one.columns)[0];
    if (parent !== undefined) {
      return parent.file + this.#deeper(columns, columns - parent.columns);
    }
    const [child] = [...seen, ...this.#open].sort((one, other) => one.columns - other.columns);
    if (child === undefined) {
      return this.#deeper(columns, columns);
    }
    return withoutLevels(child.file, Math.round((child.columns - columns) / this.#step), this.#unit ?? '');
  }

  /** Whether a new line is in the file's kind of whitespace although all old lines are in the other kind. */
  #isFileKind(indent: string): boolean {
    const kind = this.#unit === '\t' ? /^\t+$/ : /^ +$/;
    const other = this.#unit === '\t' ? /^ / : /^\t/;
    // a single space is before the star of a comment
    const old = [...this.#known.keys()].filter((one) => one !== '' && one !== ' ');
    return kind.test(indent) && old.length > 0 && old.every((one) => other.test(one));
  }

  /** @returns the whitespace after the indentation of the parent line */
  #deeper(columns: number, more: number): string {
    const unit = this.#unit ?? '';
    const isAligned = more > this.#step && bracketColumn(this.#before, this.#step) === columns + this.#shift;
    return more % this.#step !== 0 || isAligned ? ' '.repeat(more) : unit.repeat(more / this.#step);
  }

  #columns(line: string): number {
    return columnsOf(indentOf(line), this.#step);
  }

  /** A model that writes old lines unindented may indent the new ones correctly. */
  #shiftOf(pairs: readonly Pair[], fresh: readonly string[], stays: readonly Pair[]): number {
    if (stays.length === 0) {
      return 0;
    }
    const minColumns = (lines: readonly string[]) =>
      Math.min(...lines.filter((line) => line.trim() !== '').map((line) => this.#columns(line)));
    const shift = minColumns(fresh) - minColumns(pairs.map(([model]) => model));
    const isEven = stays.every(([model, old]) => this.#columns(model) - this.#columns(old) === shift);
    return shift > 0 && isEven && pairs.some(([model, file]) => indentOf(model) !== indentOf(file)) ? shift : 0;
  }
}

function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function columnsOf(indent: string, step: number): number {
  const tabs = indent.split('\t').length - 1;
  return tabs * step + (indent.length - tabs);
}

/** Whether the new lines are written in the file's indentation, so that their whitespace is taken literally. */
function isVerbatim(pairs: readonly Pair[], fresh: readonly string[], unit: string | undefined, step: number): boolean {
  if (unit === undefined || pairs.some(([model, file]) => indentOf(model) !== indentOf(file))) {
    return unit === undefined && pairs.every(([model, file]) => indentOf(model) === indentOf(file));
  }
  const old = pairs.map(([model]) => indentOf(model));
  const indents = fresh.filter((line) => line.trim() !== '' && indentOf(line) !== '').map(indentOf);
  const isForeign = (indent: string) => (unit === '\t' ? indent.startsWith('  ') : indent.includes('\t'));
  if (indents.some(isForeign)) {
    return old.some(isForeign);
  }
  // unindented old lines do not show the model's step; new lines that open blocks do
  return old.some((indent) => indent !== '') || unit === '\t' || openSteps(fresh).length === 0 || step === unit.length;
}

/** @returns the number of columns of one level in the model's lines */
function stepOf(lines: readonly string[], pairs: readonly Pair[], unit: string | undefined): number {
  const steps = openSteps(lines);
  const [usual] = [...new Set(steps)].sort(
    (one, other) =>
      steps.filter((step) => step === other).length - steps.filter((step) => step === one).length || one - other,
  );
  if (usual !== undefined) {
    return usual;
  }
  const levels = (file: string) => (unit === undefined ? 0 : file.split(unit).length - 1);
  for (const [model, file] of pairs) {
    const [spaces, level] = [indentOf(model), levels(indentOf(file))];
    if (/^ +$/.test(spaces) && level > 0 && spaces.length % level === 0) {
      return spaces.length / level;
    }
  }
  const spaces = lines
    .map((line) => (line.trim() === '' ? '' : indentOf(line)))
    .filter((indent) => /^ {2,}$/.test(indent));
  const min = Math.min(...spaces.map(({ length }) => length));
  if (unit === '\t' && min === tabColumns) {
    return tabColumns;
  }
  return spaces.length === 0 ? usualStep : min % usualStep === 0 || min > usualStep ? usualStep : min;
}

const opensBlock = /(?:[{([:]|=>|^\s*<.*>|\b(?:then|do|else|begin|try))\s*(?:(?:\/\/|#)[\s\S]*)?$/;

/** @returns by how many spaces each line after an opened block is indented deeper */
function openSteps(lines: readonly string[]): number[] {
  const steps: number[] = [];
  let before: string | undefined;
  for (const line of lines) {
    if (line.trim() === '') {
      continue;
    }
    if (before !== undefined && opensBlock.test(before)) {
      const [outer, inner] = [indentOf(before), indentOf(line)];
      if (!`${outer}${inner}`.includes('\t') && inner.length > outer.length + 1 && inner.length - outer.length <= 8) {
        steps.push(inner.length - outer.length);
      }
    }
    before = line;
  }
  return steps;
}

/** @returns the column after the last bracket that a line leaves open; undefined when the line ends there or has none */
function bracketColumn(line: string, step: number): number | undefined {
  let depth = 0;
  const content = line.trimStart();
  for (let at = content.length - 1; at >= 0; at--) {
    const character = content[at] ?? '';
    depth += ')]}'.includes(character) ? 1 : 0;
    if ('([{'.includes(character)) {
      if (depth === 0) {
        return at === content.length - 1 ? undefined : columnsOf(indentOf(line), step) + at + 1;
      }
      depth--;
    }
  }
  return undefined;
}

function withoutLevels(indent: string, levels: number, unit: string): string {
  let left = indent;
  for (let level = 0; level < levels && left.endsWith(unit) && unit !== ''; level++) {
    left = left.slice(0, -unit.length);
  }
  return left;
}
