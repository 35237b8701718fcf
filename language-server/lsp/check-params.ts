/** Checks what clients send before it is used: a malformed request gets InvalidParams, which names the field. */

import { ErrorCodes, ResponseError } from 'vscode-languageserver/node';
import { limits } from '../protocol/limits';

export interface DocumentPosition {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
}

/** @throws ResponseError InvalidParams */
export function documentPosition(params: unknown): DocumentPosition {
  const root = record(params, 'params');
  const position = record(root['position'], 'position');
  return {
    uri: text(record(root['textDocument'], 'textDocument')['uri'], 'textDocument.uri'),
    line: count(position['line'], 'position.line'),
    character: count(position['character'], 'position.character'),
  };
}

export function partialToken(root: Record<string, unknown>): { partialResultToken?: string | number } {
  const token = root['partialResultToken'];
  return typeof token === 'string' || typeof token === 'number' ? { partialResultToken: token } : {};
}

/** The parameters of a request that may come without any. */
export function optionalRecord(params: unknown): Record<string, unknown> {
  return params === undefined || params === null ? {} : record(params, 'params');
}

export function record(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(name, 'must be an object');
  }
  return value as Record<string, unknown>;
}

export function text(value: unknown, name: string): string {
  if (typeof value !== 'string') {
    throw invalid(name, 'must be a string');
  }
  return value;
}

export function bounded(value: unknown, name: string): string {
  const content = text(value, name);
  if (content.length > limits.text) {
    throw invalid(name, `must not be longer than ${limits.text} characters`);
  }
  return content;
}

export function list(value: unknown, name: string, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) {
    throw invalid(name, `must be a list of at most ${max}`);
  }
  return value;
}

/** The latest items of a list whose older ones matter less. */
export function latest(value: unknown, name: string, max: number): readonly unknown[] {
  return list(value, name, Number.POSITIVE_INFINITY).slice(-max);
}

export function count(value: unknown, name: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0) {
    throw invalid(name, 'must be a whole number of at least 0');
  }
  return value;
}

export function invalid(name: string, what: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, `${name} ${what}.`);
}
