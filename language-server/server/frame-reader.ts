/**
 * Reads messages from a pipe, each after a header with its length. The library's reader takes what follows a broken frame
 * for a part of it and reads no message any more; this one finds the next header, and reports what it left out. A line end
 * cannot occur inside a JSON string, so a header within a body proves that the body ends before it.
 */

import type { Readable } from 'node:stream';
import { AbstractMessageReader, type DataCallback, Disposable, type MessageReader } from 'vscode-languageserver/node';

/** Bytes of a header, which is two short lines. */
const maxHeaderBytes = 8192;
/** Bytes of a message: no string of this process can be longer. */
const maxMessageBytes = 512 * 1024 * 1024;
/** Milliseconds to wait for the missing part of a message. */
const defaultWaitMs = 10_000;

const noBytes = Buffer.alloc(0);
const headerEnd = Buffer.from('\r\n\r\n');
const lengthName = Buffer.from('Content-Length');
const lengthField = /content-length[ \t]*:[ \t]*(\d+)[ \t]*(?=\r\n|$)/gi;
const otherFields = /^(?:[\w-]+:[^\r\n]*\r\n)*$/;
/** Bytes of the field's name, its digits and its line end. */
const maxFieldBytes = 64;

interface FrameReaderOptions {
  readonly waitMs?: number;
}

export class FrameReader extends AbstractMessageReader implements MessageReader {
  readonly #input: Readable;
  readonly #waitMs: number;
  /** Bytes that came and were not read yet. */
  #parts: Buffer[] = [];
  #bytes = 0;
  /** Length in bytes of the body that comes next; undefined: a header comes next. */
  #length: number | undefined;
  /** How many bytes of the body were searched for a header, and the last of them. */
  #searched = 0;
  #searchedEnd: Buffer = noBytes;
  #waiting: NodeJS.Timeout | undefined;
  #callback: DataCallback = () => undefined;

  constructor(input: Readable, { waitMs = defaultWaitMs }: FrameReaderOptions = {}) {
    super();
    this.#input = input;
    this.#waitMs = waitMs;
  }

  listen(callback: DataCallback): Disposable {
    this.#callback = callback;
    const onData = (data: Buffer) => this.#take(data);
    const onError = (error: Error) => this.fireError(error);
    const onClose = () => this.fireClose();
    this.#input.on('data', onData).on('error', onError).on('close', onClose);
    return Disposable.create(() => {
      clearTimeout(this.#waiting);
      this.#input.off('data', onData).off('error', onError).off('close', onClose);
    });
  }

  #take(data: Buffer): void {
    clearTimeout(this.#waiting);
    this.#parts.push(data);
    this.#bytes += data.length;
    while (this.#length === undefined ? this.#takeHeader() : this.#takeBody(this.#length)) {
      // messages are read one after the other
    }
    if (this.#length !== undefined) {
      const missing = this.#length - this.#bytes;
      this.#waiting = setTimeout(() => {
        this.#report(`A message of ${this.#length} bytes was announced; ${missing} of them have not come.`);
      }, this.#waitMs);
      this.#waiting.unref();
    }
  }

  /** @returns whether there was a header */
  #takeHeader(): boolean {
    const buffered = this.#joined();
    const end = buffered.indexOf(headerEnd);
    if (end === -1) {
      if (buffered.length > maxHeaderBytes) {
        this.#report(`${buffered.length} bytes without a header were left out.`);
        this.#keep(buffered.subarray(-headerEnd.length));
      }
      return false;
    }
    // a header consists of the last bytes before its end: what comes before is no part of it
    const start = Math.max(0, end - maxHeaderBytes);
    const header = buffered.toString('latin1', start, end);
    const field = [...header.matchAll(lengthField)].at(-1);
    this.#keep(buffered.subarray(end + headerEnd.length));
    if (field === undefined) {
      this.#report('A header without Content-Length was left out.');
      return true;
    }
    const lineStart = header.lastIndexOf('\n', field.index) + 1;
    if (start > 0 || lineStart !== field.index || !otherFields.test(header.slice(0, lineStart))) {
      this.#report('What stands in front of a header was left out.');
    }
    const length = Number(field[1]);
    if (length > maxMessageBytes) {
      this.#report(`A message of ${length} bytes was left out: the most is ${maxMessageBytes}.`);
      return true;
    }
    this.#length = length;
    this.#searched = 0;
    this.#searchedEnd = noBytes;
    return true;
  }

  /** @returns whether the body was there, or ended too early */
  #takeBody(length: number): boolean {
    const within = this.#headerWithin(length);
    if (within !== undefined) {
      this.#length = undefined;
      this.#report(`A message of ${length} bytes was announced, and the next one begins after ${within} bytes.`);
      this.#keep(this.#joined().subarray(within));
      return true;
    }
    if (this.#bytes < length) {
      return false;
    }
    const buffered = this.#joined();
    this.#length = undefined;
    this.#keep(buffered.subarray(length));
    let message: unknown;
    try {
      message = JSON.parse(buffered.toString('utf8', 0, length));
    } catch (error) {
      this.#report(`A message of ${length} bytes is no JSON and was left out: ${String(error).slice(0, 200)}`);
      return true;
    }
    if (typeof message !== 'object' || message === null || !('jsonrpc' in message)) {
      this.#report(`A message of ${length} bytes is not of JSON-RPC and was left out.`);
      return true;
    }
    this.#callback(message as Parameters<DataCallback>[0]);
    return true;
  }

  /** Where the next header begins inside what should be the body; each byte is searched once. */
  #headerWithin(length: number): number | undefined {
    const last = this.#parts.at(-1) ?? noBytes;
    if (this.#searched >= Math.min(length, this.#bytes)) {
      return undefined;
    }
    // a field may have come in two parts
    const text = Buffer.concat([this.#searchedEnd, last]);
    const base = this.#bytes - text.length;
    this.#searched = this.#bytes;
    this.#searchedEnd = text.subarray(-maxFieldBytes);
    for (let at = text.indexOf(lengthName); at !== -1; at = text.indexOf(lengthName, at + 1)) {
      const field = text.toString('latin1', at, at + maxFieldBytes);
      if (/^Content-Length[ \t]*:[ \t]*\d+[ \t]*\r\n/.test(field)) {
        return base + at < length ? base + at : undefined;
      }
    }
    return undefined;
  }

  #joined(): Buffer {
    const [first] = this.#parts;
    const joined = this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts, this.#bytes);
    this.#parts = [joined];
    return joined;
  }

  #keep(rest: Buffer): void {
    this.#parts = [rest];
    this.#bytes = rest.length;
  }

  #report(what: string): void {
    this.fireError(new Error(what));
  }
}
