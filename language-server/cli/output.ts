/**
 * The command line's two streams: results go to stdout and everything else to stderr, with a progress bar only on a terminal. All
 * text from outside is printed here: nothing else in language-server/ writes to the streams, and lint enforces that.
 */

import { VisibleText, visibleJson, visibleLine } from './printable';

export interface Output {
  /** A text of the model: exact for programs; on a terminal, with everything hidden in it made visible. */
  result(text: string): void;
  /** A line of a result, without its end. Line ends and hidden characters in it are made visible. */
  line(text: string): void;
  lines(texts: readonly string[]): void;
  /** One JSON document, exact; hidden characters in its texts are escaped. */
  json(value: unknown): void;
  /** A line for people, made visible in the same way. */
  message(text: string): void;
  /** @param share 0 to 1 @param detail changes all the time, so it is shown only after a bar */
  progress(title: string, share: number, detail?: string): void;
  /** Ends a bar that is shown. */
  progressDone(): void;
}

interface OutputStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

const barWidth = 24;

export function terminalOutput(out: OutputStream = process.stdout, errors: OutputStream = process.stderr): Output {
  const bar = errors.isTTY === true ? new Bar(errors) : undefined;
  const plain = new PlainProgress(errors);
  const results = out.isTTY === true ? new VisibleText() : undefined;
  const print = (stream: OutputStream, text: string) => {
    bar?.clear();
    stream.write(text);
  };
  return {
    result: (text) => print(out, results?.push(text) ?? text),
    line: (text) => print(out, `${visibleLine(text)}\n`),
    lines: (texts) => print(out, texts.map((text) => `${visibleLine(text)}\n`).join('')),
    json: (value) => print(out, `${visibleJson(value)}\n`),
    message: (text) => print(errors, `${visibleLine(text)}\n`),
    progress: (title, share, detail = '') =>
      (bar ?? plain).show(visibleLine(title, maxTitle), Math.min(1, Math.max(0, share)), visibleLine(detail, maxTitle)),
    progressDone: () => bar?.clear(),
  };
}

/** UTF-16 units, so that a bar fits on one line. */
const maxTitle = 100;

/** A reader that closes the pipe has had enough. */
export function endWithReader(): void {
  process.stdout.on('error', () => process.exit(0));
}

class Bar {
  readonly #stream: OutputStream;
  #shown = '';

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  show(title: string, share: number, detail: string): void {
    const full = Math.round(share * barWidth);
    const line = `${title} ${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${Math.floor(share * 100)} %${detail === '' ? '' : `, ${detail}`}`;
    if (line !== this.#shown) {
      this.#stream.write(`\r\u001b[K${line}`);
      this.#shown = line;
    }
  }

  clear(): void {
    if (this.#shown !== '') {
      this.#stream.write('\r\u001b[K');
      this.#shown = '';
    }
  }
}

/** For log files: prints a line for every quarter of work that takes longer than a second. */
class PlainProgress {
  readonly #stream: OutputStream;
  #title = '';
  #quarter = 0;
  #startedAt = 0;

  constructor(stream: OutputStream) {
    this.#stream = stream;
  }

  show(title: string, share: number): void {
    const now = performance.now();
    if (title !== this.#title || share < this.#quarter / 4) {
      this.#title = title;
      this.#quarter = 0;
      this.#startedAt = now;
    }
    const quarter = Math.floor(share * 4);
    if (quarter > this.#quarter && now - this.#startedAt > 1000) {
      this.#stream.write(`${title} ${quarter * 25} %\n`);
    }
    this.#quarter = Math.max(this.#quarter, quarter);
  }
}
