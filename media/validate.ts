/**
 * Checks of messages between a webview and its host. Either side takes what comes as unknown: a message that is not
 * exactly one of the known ones is dropped and logged.
 */

/** Throws a MessageError, or answers the value, with nothing in it but what was checked. */
export type Check<T> = (value: unknown, name: string) => T;

export type Checked<C> = C extends Check<infer T> ? T : never;

export class MessageError extends Error {}

export function text(most = 4_000_000): Check<string> {
  return (value, name) => {
    if (typeof value !== 'string' || value.length > most) {
      throw new MessageError(`${name} must be a text of at most ${most} characters`);
    }
    return value;
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

export function list<T>(check: Check<T>, most = 10_000): Check<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length > most) {
      throw new MessageError(`${name} must be a list of at most ${most}`);
    }
    return value.map((item, index) => check(item, `${name}[${index}]`));
  };
}

export function optional<T>(check: Check<T>): Check<T | undefined> {
  return (value, name) => (value === undefined ? undefined : check(value, name));
}

type Shape = Readonly<Record<string, Check<unknown>>>;
type OptionalKeys<S extends Shape> = { [K in keyof S]: undefined extends Checked<S[K]> ? K : never }[keyof S];
export type Fields<S extends Shape> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Checked<S[K]>;
} & {
  readonly [K in OptionalKeys<S>]?: Exclude<Checked<S[K]>, undefined>;
};

export function object<S extends Shape>(shape: S): Check<Fields<S>> {
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new MessageError(`${name} must be an object`);
    }
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(shape, key));
    if (unknown !== undefined) {
      throw new MessageError(`${name} must not have the field ${unknown.slice(0, 40)}`);
    }
    const checked: Record<string, unknown> = {};
    for (const [key, check] of Object.entries(shape)) {
      const item = check(
        Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined,
        `${name}.${key}`,
      );
      if (item !== undefined) {
        checked[key] = item;
      }
    }
    return checked as Fields<S>;
  };
}

/** Of messages that are told apart by their `kind`: a shape for each. */
export type MessageShapes = Readonly<Record<string, Shape>>;
export type Message<M extends MessageShapes> = {
  [K in keyof M & string]: { readonly kind: K } & Fields<M[K]>;
}[keyof M & string];

/**
 * The check of the messages of one direction. A page and its host import the same, so that neither can send what the
 * other does not know.
 * @throws MessageError by what it answers
 */
export function messageCheck<const M extends MessageShapes>(shapes: M): (value: unknown) => Message<M> {
  return (value) => checkMessage(shapes, value);
}

/** What every page tells its host beside its own messages. */
export const pageMessages = {
  /** It takes messages from now on. */
  ready: {},
  /** For the host's log. */
  problem: { text: text(4000) },
} as const;

/** @throws MessageError */
export function checkMessage<const M extends MessageShapes>(shapes: M, value: unknown): Message<M> {
  const kind = typeof value === 'object' && value !== null && 'kind' in value ? value.kind : undefined;
  const shape = typeof kind === 'string' && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
  if (shape === undefined || typeof kind !== 'string') {
    throw new MessageError(`message.kind ${JSON.stringify(kind)?.slice(0, 40)} is unknown`);
  }
  const { kind: _kind, ...fields } = value as Record<string, unknown>;
  return { kind, ...object(shape)(fields, kind) } as unknown as Message<M>;
}
