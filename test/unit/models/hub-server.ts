/** A hub on this machine: repositories with their listing, files by ranges, and what goes wrong on the way, in any order. */

import { createHash } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the next request of a path meets; the usual answer where there is none. */
export type Mishap =
  | {
      readonly kind: 'status';
      readonly status: number;
      readonly headers?: http.OutgoingHttpHeaders;
      readonly body?: string;
    }
  /** The connection ends after so many bytes of the body. */
  | { readonly kind: 'die'; readonly after: number }
  /** Nothing comes after so many bytes, and the connection stays. */
  | { readonly kind: 'stall'; readonly after: number }
  /** The body ends properly after so many bytes, and no length was said. */
  | { readonly kind: 'end'; readonly after: number; readonly ignoresRange?: boolean }
  | { readonly kind: 'length'; readonly says: number }
  | { readonly kind: 'more'; readonly bytes: number }
  | { readonly kind: 'body'; readonly body: Buffer | string; readonly headers?: http.OutgoingHttpHeaders }
  | { readonly kind: 'redirect'; readonly to: string; readonly headers?: http.OutgoingHttpHeaders }
  /** As some servers do. */
  | { readonly kind: 'ignore-range' }
  | { readonly kind: 'ignore-if-range' }
  /** A piece at a time, the next when the one before is on its way. */
  | { readonly kind: 'drip'; readonly bytes: number; readonly ms: number };

export interface Seen {
  readonly path: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly authorization: string | undefined;
  readonly host: string | undefined;
}

export interface TestHub {
  readonly endpoint: string;
  readonly port: number;
  readonly seen: Seen[];
  /** OWNER/NAME/PATH and the bytes of it. */
  put(file: string, bytes: Buffer): void;
  /** By turns, one for each request of that path. */
  next(path: string, ...mishaps: readonly Mishap[]): void;
  /** For each request of that path, until the end. */
  always(path: string, mishap: Mishap): void;
  /** Resolves with the request that asks for the path next. */
  request(path: string): Promise<void>;
  close(): Promise<void>;
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

export async function startHub(): Promise<TestHub> {
  const files = new Map<string, Buffer>();
  const turns = new Map<string, Mishap[]>();
  const standing = new Map<string, Mishap>();
  const seen: Seen[] = [];
  const waiting = new Map<string, () => void>();
  const server = http.createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '', 'http://hub').pathname);
    const { range, authorization, host } = request.headers;
    seen.push({ path, range, ifRange: request.headers['if-range'] as string | undefined, authorization, host });
    waiting.get(path)?.();
    waiting.delete(path);
    const mishap = turns.get(path)?.shift() ?? standing.get(path);
    const [, repository, file] = /^\/([^/]+\/[^/]+)\/resolve\/[^/]+\/(.+)$/.exec(path) ?? [];
    const bytes = files.get(`${repository}/${file}`) ?? files.get(path.slice(1));
    answer(request, response, path, bytes, mishap);
  });

  function answer(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    path: string,
    bytes: Buffer | undefined,
    mishap: Mishap | undefined,
  ): void {
    if (mishap?.kind === 'status') {
      response.writeHead(mishap.status, mishap.headers).end(mishap.body ?? '');
    } else if (mishap?.kind === 'redirect') {
      response.writeHead(302, { location: mishap.to, ...mishap.headers }).end();
    } else if (mishap?.kind === 'body') {
      response.writeHead(200, { 'content-length': Buffer.byteLength(mishap.body), ...mishap.headers }).end(mishap.body);
    } else if (path.startsWith('/api/models/')) {
      list(path, response);
    } else if (bytes === undefined) {
      response.writeHead(404).end('Entry not found');
    } else {
      send(request, response, bytes, mishap);
    }
  }

  function list(path: string, response: http.ServerResponse): void {
    const repository = /^\/api\/models\/(.+)\/tree\/[^/]+$/.exec(path)?.[1] ?? '';
    const entries = [...files].flatMap(([name, bytes]) =>
      name.startsWith(`${repository}/`)
        ? [
            {
              type: 'file',
              oid: 'f'.repeat(40),
              size: bytes.length,
              path: name.slice(repository.length + 1),
              lfs: { oid: sha256(bytes), size: bytes.length, pointerSize: 134 },
              xetHash: 'a'.repeat(64),
            },
          ]
        : [],
    );
    const status = entries.length === 0 ? 404 : 200;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(entries));
  }

  function send(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    bytes: Buffer,
    mishap: Mishap | undefined,
  ): void {
    const etag = `"${sha256(bytes).slice(0, 16)}"`;
    const ifRange = request.headers['if-range'];
    const isSame = ifRange === undefined || ifRange === etag || mishap?.kind === 'ignore-if-range';
    const wanted =
      mishap?.kind === 'ignore-range' || (mishap?.kind === 'end' && mishap.ignoresRange) || !isSame
        ? undefined
        : /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '');
    const start = Number(wanted?.[1] ?? 0);
    if (start >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end();
      return;
    }
    const end =
      wanted?.[2] === undefined || wanted[2] === '' ? bytes.length : Math.min(bytes.length, Number(wanted[2]) + 1);
    const body = bytes.subarray(start, end);
    const says = mishap?.kind === 'length' ? mishap.says : body.length;
    const isEndless = mishap?.kind === 'end' || mishap?.kind === 'more';
    response.writeHead(wanted ? 206 : 200, {
      etag,
      'content-type': 'application/octet-stream',
      ...(isEndless ? {} : { 'content-length': says }),
      ...(wanted ? { 'content-range': `bytes ${start}-${end - 1}/${bytes.length}` } : {}),
    });
    switch (mishap?.kind) {
      case 'die':
        response.write(body.subarray(0, mishap.after), () => setImmediate(() => response.destroy()));
        break;
      case 'stall':
        response.write(body.subarray(0, mishap.after));
        break;
      case 'end':
        response.end(body.subarray(0, mishap.after));
        break;
      case 'more':
        response.end(Buffer.concat([body, Buffer.alloc(mishap.bytes)]));
        break;
      case 'drip':
        drip(response, body, mishap.bytes, mishap.ms);
        break;
      default:
        response.end(body);
    }
  }

  function drip(response: http.ServerResponse, body: Buffer, bytes: number, ms: number): void {
    if (body.length <= bytes) {
      response.end(body);
      return;
    }
    response.write(body.subarray(0, bytes));
    setTimeout(() => response.destroyed || drip(response, body.subarray(bytes), bytes, ms), ms);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    seen,
    put: (file, bytes) => {
      files.set(file, bytes);
    },
    next: (path, ...mishaps) => {
      turns.set(path, [...(turns.get(path) ?? []), ...mishaps]);
    },
    always: (path, mishap) => {
      standing.set(path, mishap);
    },
    request: (path) => new Promise((resolve) => waiting.set(path, resolve)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
