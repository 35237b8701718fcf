/**
 * Open documents and the cells of notebooks, kept as the client reports changes, in whatever units it counts columns.
 */

import {
  type Connection,
  type NotebookCell,
  NotebookDocuments,
  type Position,
  type Range,
  TextDocuments,
} from 'vscode-languageserver/node';
import { TextDocument, type TextDocumentContentChangeEvent } from 'vscode-languageserver-textdocument';
import { withCheckedSync } from './checked-sync';
import { asOneChange } from './many-changes';
import { fromUtf16, type PositionEncoding, toUtf16 } from './position-encoding';

/** One change of a client, already applied to the document. */
export interface DocumentEdit {
  readonly document: TextDocument;
  readonly changes: readonly TextDocumentContentChangeEvent[];
}

/** The other cells of a cell's notebook; '' for a document that is no cell. */
interface Surroundings {
  readonly before: string;
  readonly after: string;
}

/** Characters: cells further away are beyond any window of the model. */
const maxSurroundingChars = 1024 * 1024;

export class Documents {
  readonly #texts: TextDocuments<TextDocument>;
  readonly #notebooks: NotebookDocuments<TextDocument>;
  #encoding: PositionEncoding = 'utf-16';
  readonly #onEdit: ((edit: DocumentEdit) => void)[] = [];

  constructor() {
    this.#texts = new TextDocuments<TextDocument>({
      create: TextDocument.create,
      update: (document, changes, version) => {
        const updated = this.#update(document, changes, version);
        for (const handler of this.#onEdit) {
          handler({ document: updated, changes });
        }
        return updated;
      },
    });
    this.#notebooks = new NotebookDocuments(this.#texts);
  }

  /** Sets how the client counts columns, before any document is opened. */
  use(encoding: PositionEncoding): void {
    this.#encoding = encoding;
  }

  /** @param warn is called with a sentence for each notification that is left out */
  listen(connection: Connection, warn: (sentence: string) => void): void {
    const checked = withCheckedSync(connection, warn);
    this.#texts.listen(checked);
    this.#notebooks.listen(checked);
  }

  /** The handler is called after each change, before any later request is answered. */
  onDidEdit(handler: (edit: DocumentEdit) => void): void {
    this.#onEdit.push(handler);
  }

  onDidOpen(handler: (document: TextDocument) => void): void {
    this.#texts.onDidOpen(({ document }) => handler(document));
  }

  onDidChange(handler: (document: TextDocument) => void): void {
    this.#texts.onDidChangeContent(({ document }) => handler(document));
  }

  onDidSave(handler: (uri: string) => void): void {
    this.#texts.onDidSave(({ document }) => handler(document.uri));
  }

  onDidClose(handler: (uri: string) => void): void {
    this.#texts.onDidClose(({ document }) => handler(document.uri));
  }

  get(uri: string): TextDocument | undefined {
    return this.#texts.get(uri);
  }

  /** The client's position as UTF-16; one in a document that is not open stays as it is. */
  position<T extends Position>(uri: string, position: T): T {
    return this.#convert(uri, position, toUtf16);
  }

  /** A range in UTF-16 as the client counts. */
  clientRange(uri: string, { start, end }: Range): Range {
    return { start: this.#convert(uri, start, fromUtf16), end: this.#convert(uri, end, fromUtf16) };
  }

  /**
   * Code cells of the same language, in the order of the notebook, each ending in a newline; '' for other documents.
   */
  around(document: TextDocument): Surroundings {
    const notebook = this.#notebooks.findNotebookDocumentForCell(document.uri);
    if (notebook === undefined) {
      return { before: '', after: '' };
    }
    const own = notebook.cells.findIndex((cell) => cell.document === document.uri);
    // outward from the cell, so that a notebook of thousands of cells costs what is read of it
    const texts = (cells: Iterable<NotebookCell>): string[] => {
      const found: string[] = [];
      let chars = 0;
      for (const cell of cells) {
        const other = this.#notebooks.getCellTextDocument(cell);
        if (other?.languageId === document.languageId) {
          const text = other.getText();
          found.push(text);
          chars += text.length + 1;
        }
        if (chars >= maxSurroundingChars) {
          break;
        }
      }
      return found;
    };
    const before = texts(notebook.cells.slice(0, own).reverse()).map((text) => `${text}\n`);
    const after = texts(notebook.cells.slice(own + 1)).map((text) => `\n${text}`);
    return {
      before: before.reverse().join('').slice(-maxSurroundingChars),
      after: after.join('').slice(0, maxSurroundingChars),
    };
  }

  #update(document: TextDocument, changes: readonly TextDocumentContentChangeEvent[], version: number): TextDocument {
    const fewer = asOneChange(document, changes, (range) =>
      this.#encoding === 'utf-16' ? range : this.#rangeIn(document, range),
    );
    if (this.#encoding === 'utf-16' || fewer !== changes) {
      return TextDocument.update(document, [...fewer], version);
    }
    // each change is counted in the text that the one before it left
    let updated = document;
    for (const change of changes) {
      const converted = 'range' in change ? { text: change.text, range: this.#rangeIn(updated, change.range) } : change;
      updated = TextDocument.update(updated, [converted], version);
    }
    return updated;
  }

  #rangeIn(document: TextDocument, { start, end }: Range): Range {
    return { start: this.#inLine(document, start, toUtf16), end: this.#inLine(document, end, toUtf16) };
  }

  #convert<T extends Position>(uri: string, position: T, convert: typeof toUtf16): T {
    const document = this.#encoding === 'utf-16' ? undefined : this.get(uri);
    return document === undefined ? position : this.#inLine(document, position, convert);
  }

  #inLine<T extends Position>(document: TextDocument, position: T, convert: typeof toUtf16): T {
    const { line } = position;
    const text = document
      .getText({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } })
      .replace(/\r?\n$/, '');
    return { ...position, character: convert(text, position.character, this.#encoding) };
  }
}
