/** The command line's two streams: results on stdout, all else on stderr; a progress bar only on a terminal. */

export interface Output {
  /** Results, as they are. */
  result(text: string): void;
  /** One JSON document. */
  json(value: unknown): void;
  message(text: string): void;
  /** @param share 0 to 1 @param detail what changes all the time: behind a bar alone */
  progress(title: string, share: number, detail?: string): void;
  /** Ends a bar that is shown. */
  progressDone(): void;
}

const barWidth = 24;

export function terminalOutput(): Output {
  const bar = process.stderr.isTTY ? new Bar() : undefined;
  const plain = new PlainProgress();
  return {
    result: (text) => {
      bar?.clear();
      process.stdout.write(text);
    },
    json: (value) => {
      bar?.clear();
      process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    },
    message: (text) => {
      bar?.clear();
      process.stderr.write(`${text}\n`);
    },
    progress: (title, share, detail) => (bar ?? plain).show(title, Math.min(1, Math.max(0, share)), detail),
    progressDone: () => bar?.clear(),
  };
}

class Bar {
  #shown = '';

  show(title: string, share: number, detail = ''): void {
    const full = Math.round(share * barWidth);
    const line = `${title} ${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${Math.floor(share * 100)} %${detail === '' ? '' : `, ${detail}`}`;
    if (line !== this.#shown) {
      process.stderr.write(`\r\u001b[K${line}`);
      this.#shown = line;
    }
  }

  clear(): void {
    if (this.#shown !== '') {
      process.stderr.write('\r\u001b[K');
      this.#shown = '';
    }
  }
}

/** In a log file: a line for each quarter of what takes longer than a second. */
class PlainProgress {
  #title = '';
  #quarter = 0;
  #startedAt = 0;

  show(title: string, share: number): void {
    const now = performance.now();
    if (title !== this.#title || share < this.#quarter / 4) {
      this.#title = title;
      this.#quarter = 0;
      this.#startedAt = now;
    }
    const quarter = Math.floor(share * 4);
    if (quarter > this.#quarter && now - this.#startedAt > 1000) {
      process.stderr.write(`${title} ${quarter * 25} %\n`);
    }
    this.#quarter = Math.max(this.#quarter, quarter);
  }
}
