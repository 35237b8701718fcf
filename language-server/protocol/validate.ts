/**
 * Checks of values from outside: messages between a webview and its host, parameters of clients, settings, stored files. A
 * value is unknown until a check has passed it, and an error names the field by its path. A bad entry costs only itself, and
 * not its neighbours, where the caller asks to be told of what is left out.
 */

import { cutMiddle } from './cut';
import { limits } from './limits';

/** Is called with a description of each entry that was left out, which names its place. */
export type LeftOut = (what: string) => void;

/**
 * Returns the value with nothing in it but what was checked. Without `leftOut`, all of it must be valid.
 * @throws MessageError
 */
export type Check<T> = (value: unknown, name: string, leftOut?: LeftOut) => T;

export type Checked<C> = C extends Check<infer T> ? T : never;

export class MessageError extends Error {}

export function string(max: number = limits.text): Check<string> {
  return (value, name) => {
    if (typeof value !== 'string' || value.length > max) {
      throw new MessageError(`${name} must be a string of at most ${max} characters`);
    }
    return value;
  };
}

/** A text that is only shown: one that is too long is cut, so that it never makes a message invalid. */
export function shown(max: number): Check<string> {
  return (value, name) => {
    if (typeof value !== 'string') {
      throw new MessageError(`${name} must be a string`);
    }
    return cutMiddle(value, max);
  };
}

export const number: Check<number> = (value, name) => {
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw new MessageError(`${name} must be a number`);
  }
  return value;
};

export const count: Check<number> = (value, name) => {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) {
    throw new MessageError(`${name} must be a whole number of at least 0`);
  }
  return value;
};

export const flag: Check<boolean> = (value, name) => {
  if (typeof value !== 'boolean') {
    throw new MessageError(`${name} must be true or false`);
  }
  return value;
};

export function oneOf<const T extends string>(...choices: readonly T[]): Check<T> {
  return (value, name) => {
    const found = choices.find((choice) => choice === value);
    if (found === undefined) {
      throw new MessageError(`${name} must be one of ${choices.join(', ')}`);
    }
    return found;
  };
}

export function list<T>(check: Check<T>, max = 10_000): Check<readonly T[]> {
  return (value, name, leftOut) => {
    if (!Array.isArray(value) || (leftOut === undefined && value.length > max)) {
      throw new MessageError(`${name} must be a list of at most ${max}`);
    }
    if (leftOut === undefined) {
      return value.map((item, index) => check(item, `${name}[${index}]`));
    }
    const good: T[] = [];
    for (const [index, item] of value.slice(0, max).entries()) {
      orLeftOut(() => good.push(check(item, `${name}[${index}]`, leftOut)), leftOut);
    }
    if (value.length > max) {
      leftOut(`${name} has ${value.length - max} more than the ${max} that are taken`);
    }
    return good;
  };
}

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, name, leftOut) =>
    value === undefined ? undefined : orLeftOut(() => check(value, name, leftOut), leftOut);
}

/** @throws MessageError when there is no `leftOut` to call */
function orLeftOut<T>(work: () => T, leftOut: LeftOut | undefined): T | undefined {
  try {
    return work();
  } catch (error) {
    if (leftOut === undefined || !(error instanceof MessageError)) {
      throw error;
    }
    leftOut(error.message);
    return undefined;
  }
}

type Shape = Readonly<Record<string, Check<unknown>>>;
type OptionalKeys<S extends Shape> = { [K in keyof S]: undefined extends Checked<S[K]> ? K : never }[keyof S];
export type Fields<S extends Shape> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Checked<S[K]>;
} & {
  readonly [K in OptionalKeys<S>]?: Exclude<Checked<S[K]>, undefined>;
};

/** What a page and its host send each other: a field that the shape does not name is refused. */
export function object<S extends Shape>(shape: S): Check<Fields<S>> {
  const check = fields(shape);
  return (value, name, leftOut) => {
    const unknown = Object.keys(record(value, name)).find((key) => !Object.hasOwn(shape, key));
    if (unknown !== undefined) {
      throw new MessageError(`${name} must not have the field ${unknown.slice(0, 40)}`);
    }
    return check(value, name, leftOut);
  };
}

/** What other programs and other versions write: fields that the shape does not name are passed over. */
export function fields<S extends Shape>(shape: S): Check<Fields<S>> {
  return (value, name, leftOut) => {
    const given = record(value, name);
    const checked: Record<string, unknown> = {};
    for (const [key, check] of Object.entries(shape)) {
      const item = check(Object.hasOwn(given, key) ? given[key] : undefined, `${name}.${key}`, leftOut);
      if (item !== undefined) {
        checked[key] = item;
      }
    }
    return checked as Fields<S>;
  };
}

/** An object whose fields nobody has checked yet. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const record: Check<Record<string, unknown>> = (value, name) => {
  if (!isRecord(value)) {
    throw new MessageError(`${name} must be an object`);
  }
  return value;
};

/** A string of any length. */
export const anyString: Check<string> = (value, name) => {
  if (typeof value !== 'string') {
    throw new MessageError(`${name} must be a string`);
  }
  return value;
};

export const strings: Check<readonly string[]> = (value, name) => {
  if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
    throw new MessageError(`${name} must be an array of strings`);
  }
  return value;
};

/** @param min, max both are allowed */
export function integer(min: number, max: number): Check<number> {
  return (value, name) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw new MessageError(`${name} must be a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** @param min, max both are allowed */
export function numberIn(min: number, max: number): Check<number> {
  return (value, name) => {
    if (typeof value !== 'number' || !(value >= min && value <= max)) {
      throw new MessageError(`${name} must be a number from ${min} to ${max}`);
    }
    return value;
  };
}

/** As `optional`, where null says the same as a field that is not there. */
export function orNull<T>(check: Check<T>): Check<T | undefined> {
  const orAbsent = optional(check);
  return (value, name, leftOut) => orAbsent(value ?? undefined, name, leftOut);
}

/** An object that maps any names to values of one kind; with a `leftOut`, bad ones and those over the limit are left out. */
export function dictionary<T>(check: Check<T>, max: number): Check<ReadonlyMap<string, T>> {
  return (value, name, leftOut) => {
    const checked = new Map<string, T>();
    for (const [key, item] of Object.entries(record(value, name))) {
      orLeftOut(() => {
        if (checked.size >= max) {
          throw new MessageError(`${name} has more than the ${max} entries that are taken`);
        }
        checked.set(key, check(item, `${name}.${key.slice(0, 40)}`));
      }, leftOut);
    }
    return checked;
  };
}

/** For what is only to be told apart, without a word on what is wrong. */
export function passes<T>(check: Check<T>, value: unknown): value is T {
  try {
    check(value, '');
    return true;
  } catch (error) {
    if (error instanceof MessageError) {
      return false;
    }
    throw error;
  }
}

/** The shapes of messages by their `kind`. */
type MessageShapes = Readonly<Record<string, Shape>>;
type Message<M extends MessageShapes> = {
  [K in keyof M & string]: { readonly kind: K } & Fields<M[K]>;
}[keyof M & string];

/**
 * Creates the check of all messages in one direction. A page and its host import the same check, so that neither can send what
 * the other does not know. The check throws a MessageError.
 */
export function messageCheck<const M extends MessageShapes>(
  shapes: M,
): (value: unknown, leftOut?: LeftOut) => Message<M> {
  return (value, leftOut) => checkMessage(shapes, value, leftOut);
}

/** Messages that every page sends to its host beside its own. */
export const pageMessages = {
  /** The page is ready for messages. */
  ready: {},
  /** A line for the host's log. */
  problem: { text: shown(limits.problem) },
} as const;

/** @throws MessageError */
export function checkMessage<const M extends MessageShapes>(shapes: M, value: unknown, leftOut?: LeftOut): Message<M> {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  const shape = typeof kind === 'string' && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
  if (shape === undefined || typeof kind !== 'string') {
    throw new MessageError(`message.kind ${JSON.stringify(kind)?.slice(0, 40)} is unknown`);
  }
  const { kind: _kind, ...fields } = value as Record<string, unknown>;
  return { kind, ...object(shape)(fields, kind, leftOut) } as unknown as Message<M>;
}
