/** Which documents the user works on, in the order of their use: what the relevance of a repository's files is judged by. */

import type { Repository } from './workspace-folder';
import type { DocumentPlace, Workspace } from './workspace-folders';

export interface OpenDocument {
  readonly uri: string;
  readonly getText: () => string;
}

interface Placed {
  readonly document: OpenDocument;
  readonly place: Pick<DocumentPlace, 'repository' | 'path'>;
}

/** Documents beyond these were not looked at for long; a rename or a search may open thousands at once. */
export const maxRecentDocuments = 200;
/** Milliseconds: documents are opened and closed in bursts, and repositories hear of a burst once. */
const burstMs = 50;

export class OpenDocuments {
  readonly #workspace: Pick<Workspace, 'place' | 'repositories'>;
  /** The one used last at the end. */
  readonly #open = new Map<string, Placed>();
  #last: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(workspace: Pick<Workspace, 'place' | 'repositories'>) {
    this.#workspace = workspace;
  }

  get(uri: string): OpenDocument | undefined {
    return this.#open.get(uri)?.document;
  }

  /** It was opened, or is worked on. */
  used(document: OpenDocument): void {
    const { uri } = document;
    const known = this.#open.get(uri);
    const place = known?.place ?? this.#workspace.place(uri);
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

  /** The folders of the workspace are others now. */
  placeAgain(): void {
    for (const [uri, { document }] of this.#open) {
      this.#open.set(uri, { document, place: this.#workspace.place(uri) });
    }
    this.#soon();
  }

  /** What was not told yet is told at once. */
  tellNow(): void {
    if (this.#timer === undefined) {
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const open = new Map<Repository, { readonly path: string; readonly text: string }[]>();
    for (const { document, place } of [...this.#open.values()].slice(-maxRecentDocuments).reverse()) {
      const { repository, path } = place;
      if (repository === undefined) {
        continue;
      }
      const files = open.get(repository) ?? [];
      files.push({ path, text: document.getText() });
      open.set(repository, files);
    }
    for (const repository of this.#workspace.repositories) {
      repository.context.setOpen(open.get(repository) ?? []);
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => this.tellNow(), burstMs);
  }
}
