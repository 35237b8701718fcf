/**
 * One file over HTTP into our folder: after a kill, a lost network or a sleep it goes on where it was, and it has its name only
 * when its size, its hash and its first bytes are those of the model that was asked for.
 */

import path from 'node:path';
import { EngineError, isCancelled, throwIfAborted } from '../../base/errors';
import { type FreeSpace, requireSpace } from '../own-folder/lock-and-space';
import { noteVerified } from '../verified';
import { requireAnswer, TryLater } from './answers';
import { withAttempts } from './attempts';
import type { HubOptions } from './options';
import { PartialFile, writeFailure } from './partial-file';
import { type Answer, ConnectionLost, chunksOf, failed, get, placeOf } from './request';

export interface DownloadTarget {
  readonly url: URL;
  /** Absolute. */
  readonly file: string;
  /** For people. */
  readonly title: string;
  /** As the hub's listing says; undefined where there is none. */
  readonly bytes: number | undefined;
  readonly sha256: string | undefined;
}

export interface DownloadOptions {
  readonly hub: HubOptions;
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number | undefined) => void;
  /** 0 to 1, of what an earlier process left. */
  readonly onCheck?: (share: number) => void;
  readonly onWait?: ((reason: string, ms: number) => void) | undefined;
  readonly space?: FreeSpace;
}

/** That the system and its other programs keep. */
const reserveBytes = 64 << 20;

/**
 * The folder must be there, and locked.
 * @throws EngineError NETWORK, DISK_FULL, DOWNLOAD_CORRUPT, DOWNLOAD_FAILED, CANCELLED: what was fetched stays but for CORRUPT
 */
export async function download(target: DownloadTarget, options: DownloadOptions): Promise<void> {
  const { signal, hub, onCheck } = options;
  throwIfAborted(signal);
  const part = await PartialFile.open(target.file, placeOf(target.url), target.sha256, signal, onCheck);
  try {
    const job = new Job(target, part, options);
    await withAttempts(
      () => job.attempt(),
      { hub, signal, onWait: options.onWait },
      () => job.furthest,
    );
    await job.finish();
  } catch (error) {
    if (error instanceof EngineError && error.code === 'DOWNLOAD_CORRUPT') {
      await part.drop();
    } else {
      await part.close().catch(() => undefined);
    }
    const failure = writeFailure(error, target.file);
    if (failure !== undefined) {
      throw failure;
    }
    throw isCancelled(error) || !signal.aborted ? error : new EngineError('CANCELLED', 'The download was cancelled.');
  }
  if (target.bytes !== undefined && target.sha256 !== undefined) {
    await noteVerified(target.file, { bytes: target.bytes, sha256: target.sha256 });
  }
}

const startBytes = 200;

/** @throws EngineError DOWNLOAD_CORRUPT, with what people get instead of a file */
function requireGguf(start: Buffer, url: URL): void {
  if (start.toString('latin1', 0, 4) === 'GGUF') {
    return;
  }
  const text = start.toString('latin1', 0, startBytes).trimStart().toLowerCase();
  const isPage = text.startsWith('<!doctype') || text.startsWith('<html');
  const isPointer = text.startsWith('version https://git-lfs');
  const what = isPage
    ? 'a web page'
    : isPointer
      ? 'the pointer to a large file (Git LFS), not the file'
      : 'no GGUF file';
  throw new EngineError('DOWNLOAD_CORRUPT', `What ${placeOf(url)} gives is ${what}.`, {
    remedy: 'Choose another file, repository or mirror.',
  });
}

class Job {
  /** How far any attempt came: one that begins anew and ends earlier has won nothing. */
  furthest = 0;
  readonly #target: DownloadTarget;
  readonly #part: PartialFile;
  readonly #options: DownloadOptions;
  #total: number | undefined;
  #checkedSpace = false;
  #refusedRanges = 0;

  constructor(target: DownloadTarget, part: PartialFile, options: DownloadOptions) {
    this.#target = target;
    this.#part = part;
    this.#options = options;
    this.#total = target.bytes;
  }

  /** Until all of the file is there. @throws ConnectionLost, TryLater for another attempt; EngineError */
  async attempt(): Promise<void> {
    const { hub, signal } = this.#options;
    if (this.#total !== undefined && this.#part.length > this.#total) {
      await this.#part.startAnew();
    }
    if (this.#total !== undefined && this.#part.length === this.#total) {
      return;
    }
    const answer = await get(this.#target.url, this.#rangeHeaders(), hub, signal);
    if (answer.status === 416) {
      await this.#rangeRefused(answer);
    }
    requireAnswer(answer, this.#target.title, hub);
    await this.#place(answer);
    await this.#checkSpace();
    await this.#write(answer);
  }

  #rangeHeaders(): Record<string, string> {
    const { length, etag } = this.#part;
    if (length === 0) {
      return {};
    }
    // without a mark or a hash nothing would show that the rest is of another version
    if (etag === undefined && this.#target.sha256 === undefined) {
      return {};
    }
    return { range: `bytes=${length}-`, ...(etag === undefined ? {} : { 'if-range': etag }) };
  }

  /** What is there is as long as the file, or of a longer version of it. */
  async #rangeRefused(answer: Answer): Promise<never> {
    answer.body.destroy();
    this.#refusedRanges += 1;
    const total = /^bytes \*\/(\d+)$/.exec(answer.headers['content-range'] ?? '')?.[1];
    if (this.#total === undefined && total !== undefined && Number(total) === this.#part.length) {
      this.#total = this.#part.length;
    } else {
      await this.#part.startAnew();
    }
    if (this.#refusedRanges > 2) {
      throw failed(`${answer.place} refuses every part of the file (HTTP 416).`);
    }
    throw new TryLater(`${answer.place} refused to go on where the download was`, 0);
  }

  /** Where in the file the body begins, and which version it is of. */
  async #place(answer: Answer): Promise<void> {
    const { headers, status, place } = answer;
    if (/^text\/html/i.test(headers['content-type'] ?? '')) {
      answer.body.destroy();
      throw failed(
        `${place} gives a web page instead of the file.`,
        "Open the address in a browser: a login, a licence to accept or a network's own page may be in the way.",
      );
    }
    const [, start, total] = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') ?? [];
    const { etag } = headers;
    const strong = etag !== undefined && !etag.startsWith('W/') && etag.length <= 500 ? etag : undefined;
    const isOther = this.#part.etag !== undefined && strong !== undefined && strong !== this.#part.etag;
    const isRest = status === 206 && Number(start) === this.#part.length && !isOther;
    const length = Number(headers['content-length'] ?? Number.NaN);
    const said = isRest ? Number(total) : length;
    if (status === 206 && !isRest) {
      answer.body.destroy();
      await this.#part.startAnew();
      throw new TryLater(`${place} gave the rest of another file than the one that was begun`, undefined);
    }
    if (Number.isSafeInteger(said) && this.#target.bytes !== undefined && said !== this.#target.bytes) {
      answer.body.destroy();
      throw new EngineError(
        'DOWNLOAD_CORRUPT',
        `${place} has ${said} bytes, and its repository says ${this.#target.bytes}.`,
        { remedy: 'Try again later; if it stays so, choose another repository or mirror.' },
      );
    }
    if (Number.isSafeInteger(said)) {
      this.#total = said;
    }
    if (!isRest) {
      await this.#part.startAnew();
    }
    await this.#part.mark(strong);
  }

  async #checkSpace(): Promise<void> {
    if (!this.#checkedSpace && this.#total !== undefined) {
      const { file, title } = this.#target;
      const needed = this.#total - this.#part.length + reserveBytes;
      await requireSpace(path.dirname(file), needed, title, this.#options.space);
      this.#checkedSpace = true;
    }
  }

  async #write(answer: Answer): Promise<void> {
    const { hub, signal, onProgress } = this.#options;
    for await (const chunk of chunksOf(answer.body, hub.timing.stallMs, signal)) {
      if (this.#part.length < 4) {
        this.#requireGguf(chunk);
      }
      if (this.#total !== undefined && this.#part.length + chunk.length > this.#total) {
        throw new EngineError(
          'DOWNLOAD_CORRUPT',
          `${answer.place} gives more than the ${this.#total} bytes it should have.`,
        );
      }
      await this.#part.append(chunk);
      this.furthest = Math.max(this.furthest, this.#part.length);
      onProgress(this.#part.length, this.#total);
    }
    if (this.#total !== undefined && this.#part.length < this.#total) {
      throw new ConnectionLost(`${answer.place} ended at byte ${this.#part.length} of ${this.#total}`);
    }
  }

  /** Looked at when they come, and not after gigabytes. A chunk of less than four bytes is looked at in the end. */
  #requireGguf(chunk: Buffer): void {
    if (this.#part.length === 0 && chunk.length >= 4) {
      requireGguf(chunk, this.#target.url);
    }
  }

  /** @throws EngineError DOWNLOAD_CORRUPT */
  async finish(): Promise<void> {
    const { title, sha256 } = this.#target;
    const found = this.#part.sha256;
    if (sha256 !== undefined && found !== sha256) {
      throw new EngineError('DOWNLOAD_CORRUPT', `${title} has the SHA-256 ${found} instead of ${sha256}.`, {
        remedy: 'Try again; if it happens again, choose another repository or mirror.',
      });
    }
    requireGguf(await this.#part.start(startBytes), this.#target.url);
    await this.#part.become();
    this.#options.onProgress(this.#part.length, this.#part.length);
  }
}
