/** Checks what clients send before it is used: a malformed request gets InvalidParams, which names the field. */

import { ErrorCodes, ResponseError } from 'vscode-languageserver/node';
import { anyString, type Check, count, fields, list, MessageError } from '../protocol/validate';

export interface DocumentPosition {
  readonly uri: string;
  readonly line: number;
  readonly character: number;
}

/** A position of LSP. */
export const place = fields({ line: count, character: count });
const checkPosition = fields({ textDocument: fields({ uri: anyString }), position: place });

/** @throws ResponseError InvalidParams */
export function documentPosition(params: unknown): DocumentPosition {
  const { textDocument, position } = checked(checkPosition, params);
  return { uri: textDocument.uri, ...position };
}

/** The parameters of a request that may come without any. */
export function orNone(params: unknown): unknown {
  return params === undefined || params === null ? {} : params;
}

/** Takes a value where it is one of these; anything else counts as absent. */
export function only<T>(isOne: (value: unknown) => value is T): Check<T | undefined> {
  return (value) => (isOne(value) ? value : undefined);
}

export const progressToken = only((value) => typeof value === 'string' || typeof value === 'number');

/** The latest items of a list whose older ones matter less. */
export function latest<T>(check: Check<T>, max: number): Check<readonly T[]> {
  const checkAll = list(check, max);
  return (value, name) => checkAll(Array.isArray(value) ? value.slice(-max) : value, name);
}

/** @throws ResponseError InvalidParams, in the check's words: fields are named as they stand in the parameters */
export function checked<T>(check: Check<T>, params: unknown): T {
  try {
    return check(params, 'params');
  } catch (error) {
    throw error instanceof MessageError ? invalid(error.message.replace(/^params\./, '')) : error;
  }
}

export function invalid(what: string): ResponseError<void> {
  return new ResponseError(ErrorCodes.InvalidParams, `${what}.`);
}
