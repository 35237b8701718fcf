/**
 * One GET over HTTP(S): through the proxy that is set, after redirects. What goes to the hub alone (the token) does not go
 * where it redirects to, and messages name a host and a path, never a query: those of content networks are signed.
 */

import http from 'node:http';
import https from 'node:https';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { getProxyForUrl } from 'proxy-from-env';
import { EngineError, throwIfAborted } from '../../base/errors';
import type { HubOptions } from './options';

export interface Answer {
  readonly status: number;
  /** Of the last answer, with the hub's own (`x-linked-size`, `x-linked-etag`) of those that redirected. */
  readonly headers: http.IncomingHttpHeaders;
  readonly body: http.IncomingMessage;
  /** Where it came from in the end, for messages. */
  readonly place: string;
}

/** The connection was lost, or gave nothing for too long: worth another attempt. */
export class ConnectionLost extends Error {}

const maxRedirects = 8;
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * @throws ConnectionLost; EngineError NETWORK, DOWNLOAD_FAILED, CANCELLED
 */
export async function get(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: HubOptions,
  signal: AbortSignal,
): Promise<Answer> {
  const endpoint = new URL(options.endpoint);
  let current = url;
  let linked: http.IncomingHttpHeaders = {};
  for (let hop = 0; hop <= maxRedirects; hop++) {
    requireEncrypted(current, endpoint);
    const own = current.origin === endpoint.origin && options.token !== '';
    const sent = own ? { ...headers, authorization: `Bearer ${options.token}` } : { ...headers };
    const body = await once(current, sent, options, signal);
    const status = body.statusCode ?? 0;
    if (!redirects.has(status) || body.headers.location === undefined) {
      return { status, headers: { ...linked, ...body.headers }, body, place: placeOf(current) };
    }
    linked = { ...linked, ...linkedOf(body.headers) };
    body.destroy();
    const next = parsedUrl(body.headers.location, current);
    if (next === undefined || !/^https?:$/.test(next.protocol)) {
      throw failed(`${placeOf(current)} redirects to what is no address.`);
    }
    if (current.protocol === 'https:' && next.protocol === 'http:') {
      throw failed(`${placeOf(current)} redirects to an address that is not encrypted.`);
    }
    current = next;
  }
  throw failed(`${placeOf(url)} redirects more than ${maxRedirects} times.`);
}

/** Anybody on the way can change what is not encrypted; a mirror that the user set is the user's to trust. */
function requireEncrypted(url: URL, endpoint: URL): void {
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  if (url.protocol !== 'https:' && !isLoopback && url.origin !== endpoint.origin) {
    throw failed(`${placeOf(url)} is not encrypted, so nothing is fetched from there.`);
  }
}

function linkedOf(headers: http.IncomingHttpHeaders): http.IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-linked-')));
}

function once(
  url: URL,
  headers: Readonly<Record<string, string>>,
  options: HubOptions,
  signal: AbortSignal,
): Promise<http.IncomingMessage> {
  throwIfAborted(signal);
  const proxy = options.proxy || getProxyForUrl(url.href);
  const agent = proxy === '' ? undefined : proxyAgent(proxy, url);
  const { stallMs } = options.timing;
  return new Promise((resolve, reject) => {
    const client = url.protocol === 'https:' ? https : http;
    const request = client.get(url, {
      headers: { 'user-agent': 'fasa-code', 'accept-encoding': 'identity', ...headers },
      signal,
      ...(agent === undefined ? {} : { agent }),
    });
    const timer = setTimeout(
      () => request.destroy(new ConnectionLost(`${url.host} did not answer for ${stallMs / 1000} seconds`)),
      stallMs,
    );
    // the agent hands a proxy's refusal on as if the server had answered, which would pass by the certificate
    request.once('proxyConnect', ({ statusCode }: { readonly statusCode: number }) => {
      if (statusCode !== 200) {
        request.destroy(refusedByProxy(proxy, statusCode));
      }
    });
    request.once('response', (response) => {
      clearTimeout(timer);
      // nobody may be reading yet when the connection ends; who reads gets the error as well
      response.on('error', () => undefined);
      resolve(response);
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      reject(describe(error, url, proxy, signal));
    });
  });
}

/** @throws ConnectionLost where nothing comes for too long, or the connection ends before the body does */
export async function* chunksOf(
  body: http.IncomingMessage,
  stallMs: number,
  signal: AbortSignal,
): AsyncGenerator<Buffer, void, void> {
  const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  try {
    for (;;) {
      const timer = setTimeout(
        () => body.destroy(new ConnectionLost(`nothing came for ${stallMs / 1000} seconds`)),
        stallMs,
      );
      const { done, value } = await iterator.next().finally(() => clearTimeout(timer));
      if (done === true) {
        return;
      }
      yield value;
    }
  } catch (error) {
    throwIfAborted(signal);
    throw error instanceof ConnectionLost ? error : new ConnectionLost('the connection was lost', { cause: error });
  } finally {
    body.destroy();
  }
}

/** A short answer. @throws EngineError DOWNLOAD_FAILED for a longer one; ConnectionLost */
export async function textOf(answer: Answer, maxBytes: number, stallMs: number, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunksOf(answer.body, stallMs, signal)) {
    length += chunk.length;
    if (length > maxBytes) {
      throw failed(`${answer.place} answers with more than ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function proxyAgent(proxy: string, url: URL): http.Agent {
  const address = parsedUrl(/:\/\//.test(proxy) ? proxy : `http://${proxy}`);
  if (address === undefined || !/^https?:$/.test(address.protocol)) {
    throw new EngineError('NETWORK', 'The proxy that is set is no http:// or https:// address.', {
      remedy: 'Correct the setting http.proxy, or HTTPS_PROXY and HTTP_PROXY of the environment.',
    });
  }
  return url.protocol === 'https:' ? new HttpsProxyAgent(address) : new HttpProxyAgent(address);
}

function refusedByProxy(proxy: string, status: number): Error {
  const where = `The proxy ${proxyHost(proxy)}`;
  return status === 407
    ? new EngineError('NETWORK', `${where} wants a name and a password.`, {
        remedy: 'Set it as http://NAME:PASSWORD@HOST:PORT.',
      })
    : new EngineError('NETWORK', `${where} refuses the connection (HTTP ${status}).`, {
        remedy: 'Correct the setting http.proxy, or HTTPS_PROXY and NO_PROXY of the environment.',
      });
}

function proxyHost(proxy: string): string {
  return parsedUrl(/:\/\//.test(proxy) ? proxy : `http://${proxy}`)?.host ?? '';
}

function describe(error: Error, url: URL, proxy: string, signal: AbortSignal): Error {
  if (signal.aborted) {
    return new EngineError('CANCELLED', 'The download was cancelled.');
  }
  if (error instanceof ConnectionLost || error instanceof EngineError) {
    return error;
  }
  const code = 'code' in error ? String(error.code) : '';
  // wrong for as long as somebody does not change something
  if (/^(ERR_TLS|CERT|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO|ERR_SSL)/.test(code)) {
    return new EngineError('NETWORK', `The certificate of ${url.host} is not trusted (${code}).`, {
      cause: error,
      remedy: 'Set NODE_EXTRA_CA_CERTS to the certificates of your network, and start again.',
    });
  }
  const via = proxy === '' ? '' : ` through the proxy ${proxyHost(proxy)}`;
  return new ConnectionLost(`${url.host} could not be reached${via} (${code || 'no reason given'})`, { cause: error });
}

/** Without what may be secret in it. */
export function placeOf(url: URL): string {
  return `${url.host}${url.pathname}`;
}

export function parsedUrl(text: string, base?: URL): URL | undefined {
  return URL.canParse(text, base?.href) ? new URL(text, base) : undefined;
}

export function failed(message: string, remedy = 'Try again later, or choose another model.'): EngineError {
  return new EngineError('DOWNLOAD_FAILED', message, { remedy });
}
