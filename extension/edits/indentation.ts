/** New lines in the indent of the file that they go to, whatever indent the model wrote them in. */

/** So many lines around a change tell how the file indents there, before the whole file is asked. */
const nearLines = 60;
/** As terminals show a tab: where nothing else tells, so many blanks stand for one. */
const tabColumns = 8;
/** Of a text that does not tell. */
const usualStep = 4;

/** How a file indents around some of its lines. @param lines of the file; @param start the first, @param end after the last */
export function unitNear(lines: readonly string[], start: number, end: number): string | undefined {
  const near = lines.slice(Math.max(0, start - nearLines), end + nearLines);
  return indentUnit(near) ?? indentUnit(lines);
}

/** Tabs, or the step of spaces that most indented lines take; undefined where nothing is indented. */
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
    // one blank more is the star of a comment
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

/** A line as the model wrote it, and the same line in the file. */
export type Pair = readonly [model: string, file: string];

export class Reindenter {
  readonly #unit: string | undefined;
  readonly #step: number;
  readonly #known = new Map<string, string>();
  /** All columns that the new lines have more than the old ones throughout. */
  readonly #shift: number;
  readonly #verbatim: boolean;
  /** Of the lines so far whose indent is still open: columns of the model's, and the file's indent. */
  #open: { readonly columns: number; readonly file: string }[] = [];
  #before = '';

  /**
   * @param pairs old lines; @param fresh all new lines, those that stay among them; @param stays which of the new
   * lines are old ones; @param unit of the file
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

  /** A line that stays. @param model as the new lines have it, @param old as the old ones do */
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

  /** A new line in the file's blanks among old ones in others: it was not written like those. */
  #isFileKind(indent: string): boolean {
    const kind = this.#unit === '\t' ? /^\t+$/ : /^ +$/;
    const other = this.#unit === '\t' ? /^ / : /^\t/;
    // one blank is the star of a comment
    const old = [...this.#known.keys()].filter((one) => one !== '' && one !== ' ');
    return kind.test(indent) && old.length > 0 && old.every((one) => other.test(one));
  }

  /** What comes after the indent of the line that this one is within. */
  #deeper(columns: number, more: number): string {
    const unit = this.#unit ?? '';
    const isAligned = more > this.#step && bracketColumn(this.#before, this.#step) === columns + this.#shift;
    return more % this.#step !== 0 || isAligned ? ' '.repeat(more) : unit.repeat(more / this.#step);
  }

  #columns(line: string): number {
    return columnsOf(indentOf(line), this.#step);
  }

  /** A model that writes old lines at the margin may write the new ones where they belong. */
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

export function indentOf(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? '';
}

function columnsOf(indent: string, step: number): number {
  const tabs = indent.split('\t').length - 1;
  return tabs * step + (indent.length - tabs);
}

/** The new lines are written as the file is, so that each of their blanks is meant. */
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
  // old lines at the margin do not tell the model's step; the new ones do where they open blocks
  return old.some((indent) => indent !== '') || unit === '\t' || openSteps(fresh).length === 0 || step === unit.length;
}

/** By how many columns the model goes deeper. */
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

/** Where a line that opens a block is followed by one of spaces: by how many more. */
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

/** The column after the last bracket that a line leaves open. */
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
