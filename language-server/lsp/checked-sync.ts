/**
 * Checks what a client reports of its documents before the library keeps it: a document without a name would stay for the
 * rest of the session. A change that cannot be read closes its document, since its text is not known any more.
 */

import type { Connection, NotificationHandler } from 'vscode-languageserver/node';
import {
  anyString,
  type Check,
  count,
  fields,
  integer,
  list,
  MessageError,
  optional,
  orNull,
  passes,
} from '../protocol/validate';

/**
 * The connection, without malformed notifications on documents and notebooks.
 * @param warn is called with one sentence for each notification that is left out
 */
export function withCheckedSync(connection: Connection, warn: (sentence: string) => void): Connection {
  const checked = <Params>(
    what: string,
    check: Check<unknown>,
    handler: NotificationHandler<Params>,
    otherwise?: (params: unknown) => void,
  ): NotificationHandler<Params> => {
    return (params) => {
      if (passes(check, params)) {
        return handler(params);
      }
      warn(`${what} is malformed and was left out.`);
      otherwise?.(params);
    };
  };
  let close: NotificationHandler<{ textDocument: { uri: string } }> | undefined;
  const closeNamed = (params: unknown) => {
    if (passes(namesDocument, params)) {
      void close?.(params);
    }
  };
  const { synchronization } = connection.notebooks;
  const notebooks: Partial<typeof connection.notebooks> = {
    synchronization: {
      onDidOpenNotebookDocument: (handler) =>
        synchronization.onDidOpenNotebookDocument(checked('An opened notebook', notebook, handler)),
      onDidChangeNotebookDocument: (handler) =>
        synchronization.onDidChangeNotebookDocument(checked('A change of a notebook', notebookChange, handler)),
      onDidSaveNotebookDocument: (handler) =>
        synchronization.onDidSaveNotebookDocument(checked('A saved notebook', namesNotebook, handler)),
      onDidCloseNotebookDocument: (handler) =>
        synchronization.onDidCloseNotebookDocument(checked('A closed notebook', namesNotebook, handler)),
    },
  };
  const own: Partial<Connection> = {
    notebooks: over(connection.notebooks, notebooks),
    onDidOpenTextDocument: (handler) =>
      connection.onDidOpenTextDocument(checked('An opened document', openedDocument, handler)),
    onDidChangeTextDocument: (handler) =>
      connection.onDidChangeTextDocument(checked('A change of a document', documentChange, handler, closeNamed)),
    onDidSaveTextDocument: (handler) =>
      connection.onDidSaveTextDocument(checked('A saved document', namesDocument, handler)),
    onDidCloseTextDocument: (handler) => {
      close = handler;
      return connection.onDidCloseTextDocument(checked('A closed document', namesDocument, handler));
    },
  };
  return over(connection, own);
}

/** The same object, but for some of its fields; those may be getters, which cannot be assigned. */
function over<T extends object>(original: T, own: Partial<T>): T {
  return Object.create(original, Object.getOwnPropertyDescriptors(own));
}

const name: Check<string> = (value, at) => {
  if (anyString(value, at) === '') {
    throw new MessageError(`${at} must not be empty`);
  }
  return value as string;
};
const whole = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
/** Of any length: a document may have any number of changes and cells. */
const all = <T>(check: Check<T>) => list(check, Number.POSITIVE_INFINITY);

const named = fields({ uri: name });
const item = fields({ uri: name, languageId: anyString, version: whole, text: anyString });
const position = fields({ line: count, character: count });
const contentChange = fields({ text: anyString, range: optional(fields({ start: position, end: position })) });
const cell = fields({ document: name });

const namesDocument = fields({ textDocument: named });
const openedDocument = fields({ textDocument: item });
const documentChange = fields({
  textDocument: fields({ uri: name, version: whole }),
  contentChanges: all(contentChange),
});

const namesNotebook = fields({ notebookDocument: named });
const notebook = fields({
  notebookDocument: fields({ uri: name, cells: all(cell) }),
  cellTextDocuments: all(item),
});
const notebookChange = fields({
  notebookDocument: named,
  change: fields({
    cells: optional(
      fields({
        structure: optional(
          fields({
            array: fields({ start: whole, deleteCount: whole, cells: orNull(all(cell)) }),
            didOpen: orNull(all(item)),
            didClose: orNull(all(named)),
          }),
        ),
        data: orNull(all(cell)),
        textContent: orNull(all(fields({ document: named, changes: all(contentChange) }))),
      }),
    ),
  }),
});
