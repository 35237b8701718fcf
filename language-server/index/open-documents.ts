/** Which documents the user works on, in the order of their use: the relevance of a folder's files depends on them. */

import type { DocumentPlace, WorkspaceFolder, WorkspaceFolders } from './workspace-folders';

export interface OpenDocument {
  readonly uri: string;
  readonly getText: () => string;
}

interface Placed {
  readonly document: OpenDocument;
  readonly place: Pick<DocumentPlace, 'folder' | 'path'>;
}

/** Documents beyond these were not used for long; a rename or a search may open thousands at once. */
export const maxRecentDocuments = 200;
/** Milliseconds: documents are opened and closed in bursts, and a burst is reported to the folders once. */
const burstMs = 50;

export class OpenDocuments {
  readonly #folders: Pick<WorkspaceFolders, 'place' | 'all'>;
  /** The one used last at the end. */
  readonly #open = new Map<string, Placed>();
  #last: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(folders: Pick<WorkspaceFolders, 'place' | 'all'>) {
    this.#folders = folders;
  }

  get(uri: string): OpenDocument | undefined {
    return this.#open.get(uri)?.document;
  }

  /** The document was opened, or is worked on. */
  used(document: OpenDocument): void {
    const { uri } = document;
    const known = this.#open.get(uri);
    const place = known?.place ?? this.#folders.place(uri);
    if (this.#last === uri && known !== undefined) {
      this.#open.set(uri, { document, place });
      return;
    }
    this.#open.delete(uri);
    this.#open.set(uri, { document, place });
    this.#last = uri;
    this.#soon();
  }

  closed(uri: string): void {
    if (!this.#open.delete(uri)) {
      return;
    }
    this.#last = this.#last === uri ? undefined : this.#last;
    this.#soon();
  }

  /** The folders of the workspace have changed. */
  placeAgain(): void {
    for (const [uri, { document }] of this.#open) {
      this.#open.set(uri, { document, place: this.#folders.place(uri) });
    }
    this.#soon();
  }

  /** Reports at once what was not reported to the folders yet. */
  reportNow(): void {
    if (this.#timer === undefined) {
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const open = new Map<WorkspaceFolder, { readonly path: string; readonly text: string }[]>();
    for (const { document, place } of [...this.#open.values()].slice(-maxRecentDocuments).reverse()) {
      const { folder, path } = place;
      if (folder === undefined) {
        continue;
      }
      const files = open.get(folder) ?? [];
      files.push({ path, text: document.getText() });
      open.set(folder, files);
    }
    for (const folder of this.#folders.all) {
      folder.index.setOpen(open.get(folder) ?? []);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.reportNow(), burstMs);
  }
}
