/**
 * Checks what a client reports of its documents before the library keeps it: a document without a name would stay for the
 * rest of the session. A change that cannot be read closes its document, since its text is not known any more.
 */

import type { Connection, NotificationHandler } from 'vscode-languageserver/node';
import { isRecord } from '../base/is-record';

type Check = (params: unknown) => boolean;

/**
 * The connection, without malformed notifications on documents and notebooks.
 * @param warn is called with one sentence for each notification that is left out
 */
export function withCheckedSync(connection: Connection, warn: (sentence: string) => void): Connection {
  const checked = <Params>(
    what: string,
    isGood: Check,
    handler: NotificationHandler<Params>,
    otherwise?: (params: unknown) => void,
  ): NotificationHandler<Params> => {
    return (params) => {
      if (isGood(params)) {
        return handler(params);
      }
      warn(`${what} is malformed and was left out.`);
      otherwise?.(params);
    };
  };
  let close: NotificationHandler<{ textDocument: { uri: string } }> | undefined;
  const closeNamed = (params: unknown) => {
    const uri = field(field(params, 'textDocument'), 'uri');
    if (isName(uri)) {
      void close?.({ textDocument: { uri } });
    }
  };
  const { synchronization } = connection.notebooks;
  const notebooks: Partial<typeof connection.notebooks> = {
    synchronization: {
      onDidOpenNotebookDocument: (handler) =>
        synchronization.onDidOpenNotebookDocument(checked('An opened notebook', isNotebook, handler)),
      onDidChangeNotebookDocument: (handler) =>
        synchronization.onDidChangeNotebookDocument(checked('A change of a notebook', isNotebookChange, handler)),
      onDidSaveNotebookDocument: (handler) =>
        synchronization.onDidSaveNotebookDocument(checked('A saved notebook', namesNotebook, handler)),
      onDidCloseNotebookDocument: (handler) =>
        synchronization.onDidCloseNotebookDocument(checked('A closed notebook', namesNotebook, handler)),
    },
  };
  const own: Partial<Connection> = {
    notebooks: over(connection.notebooks, notebooks),
    onDidOpenTextDocument: (handler) =>
      connection.onDidOpenTextDocument(checked('An opened document', opensDocument, handler)),
    onDidChangeTextDocument: (handler) =>
      connection.onDidChangeTextDocument(checked('A change of a document', isChange, handler, closeNamed)),
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

const namesDocument: Check = (params) => isName(field(field(params, 'textDocument'), 'uri'));
const namesNotebook: Check = (params) => isName(field(field(params, 'notebookDocument'), 'uri'));
const opensDocument: Check = (params) => isItem(field(params, 'textDocument'));

const isChange: Check = (params) =>
  namesDocument(params) &&
  isWhole(field(field(params, 'textDocument'), 'version')) &&
  isListOf(field(params, 'contentChanges'), isContentChange);

const isNotebook: Check = (params) =>
  namesNotebook(params) &&
  isListOf(field(field(params, 'notebookDocument'), 'cells'), isCell) &&
  isListOf(field(params, 'cellTextDocuments'), isItem);

const isNotebookChange: Check = (params) => {
  const cells = field(field(params, 'change'), 'cells');
  return namesNotebook(params) && isRecord(field(params, 'change')) && (cells === undefined || isCellsChange(cells));
};

function isCellsChange(cells: unknown): boolean {
  const structure = field(cells, 'structure');
  const array = field(structure, 'array');
  const isStructure =
    isWhole(field(array, 'start')) &&
    isWhole(field(array, 'deleteCount')) &&
    isAbsentOr(field(array, 'cells'), isCell) &&
    isAbsentOr(field(structure, 'didOpen'), isItem) &&
    isAbsentOr(field(structure, 'didClose'), (one) => isName(field(one, 'uri')));
  return (
    isRecord(cells) &&
    (structure === undefined || isStructure) &&
    isAbsentOr(field(cells, 'data'), isCell) &&
    isAbsentOr(
      field(cells, 'textContent'),
      (one) => isName(field(field(one, 'document'), 'uri')) && isListOf(field(one, 'changes'), isContentChange),
    )
  );
}

const isCell: Check = (cell) => isName(field(cell, 'document'));

const isItem: Check = (item) =>
  isName(field(item, 'uri')) &&
  typeof field(item, 'languageId') === 'string' &&
  isWhole(field(item, 'version')) &&
  typeof field(item, 'text') === 'string';

const isContentChange: Check = (change) => {
  const range = field(change, 'range');
  const isRange = isPosition(field(range, 'start')) && isPosition(field(range, 'end'));
  return typeof field(change, 'text') === 'string' && (range === undefined || isRange);
};

const isPosition: Check = (position) => isCount(field(position, 'line')) && isCount(field(position, 'character'));

function field(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isWhole(value: unknown): boolean {
  return Number.isInteger(value);
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function isListOf(value: unknown, isGood: Check): boolean {
  return Array.isArray(value) && value.every(isGood);
}

/** Whether a field is absent; clients also send null for it. */
function isAbsentOr(value: unknown, isGood: Check): boolean {
  return value === undefined || value === null || isListOf(value, isGood);
}
