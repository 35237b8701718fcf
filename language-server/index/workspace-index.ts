/**
 * The index of the workspace: what requests retrieve of its folders. It takes in what changes (folders, settings, engine,
 * documents, files), hands it down to the index of each folder (folder-index.ts: discover, rank, chunk), and wakes the
 * lane that encodes their chunks (encode/encoding-lane.ts). The server and the command line both use it.
 */

import { EngineError, toEngineError } from '../base/errors';
import type { Log } from '../base/log';
import type { EncodedChunk, Engine, RetrievedChunk } from '../engine/engine';
import type {
  ChooseContextParams,
  ContextFolder,
  ContextParams,
  RepositoryStatus,
  SecretSeen,
  ServerSettings,
} from '../protocol/server';
import { contextFolder, repositoryStatus } from './context-view';
import { WorkspaceWatcher } from './discover/folder-watcher';
import { EncodingLane, type EncodingLaneOptions } from './encode/encoding-lane';
import { IndexSizeLimit } from './encode/size-limit';
import { type OpenDocument, OpenDocuments } from './open-documents';
import type { TextAround } from './rank/relevance';
import { type DocumentPlace, filePath, WorkspaceFolder, WorkspaceFolders } from './workspace-folders';

interface WorkspaceIndexOptions {
  readonly log: Log;
  /** Is called when what is in the index, or encoded of it, changed. */
  readonly onChange: () => void;
  readonly settings: ServerSettings['repository'];
  readonly onBattery?: EncodingLaneOptions['onBattery'];
  readonly background?: EncodingLaneOptions['background'];
}

export class WorkspaceIndex {
  readonly folders = new WorkspaceFolders();
  readonly lane: EncodingLane;
  readonly #log: Log;
  readonly #onChange: () => void;
  readonly #open = new OpenDocuments(this.folders);
  readonly #watcher: WorkspaceWatcher;
  readonly #sizeLimit: IndexSizeLimit;
  #settings: ServerSettings['repository'];
  #engine: Engine | undefined;

  constructor({ log, onChange, settings, onBattery, background }: WorkspaceIndexOptions) {
    this.#log = log;
    this.#onChange = onChange;
    this.#settings = settings;
    this.#watcher = new WorkspaceWatcher(this.folders, log);
    this.lane = new EncodingLane(this.folders, { log, onChange, onBattery, background });
    this.#sizeLimit = new IndexSizeLimit(this.lane, this.folders, settings.tokens);
  }

  /** The status of the folder that a request used last. */
  get status(): RepositoryStatus | undefined {
    const [folder] = this.folders.byUse;
    const reads = this.#settings.enabled && this.#engine?.chunks !== undefined;
    return folder === undefined || !reads ? undefined : repositoryStatus(folder, this.lane);
  }

  /** Does nothing for a URI that names no folder of this machine, or one that is in the workspace already. */
  addFolder(uri: string): void {
    const root = filePath(uri);
    if (root === undefined || this.folders.at(uri) !== undefined) {
      return;
    }
    const folder = new WorkspaceFolder(root, this.#log, this.#sizeLimit);
    folder.index.onChange = () => this.#indexChanged();
    this.folders.add(folder);
    folder.index.configure(this.#settings.enabled, this.#settings.exclude);
    folder.index.use(this.#engine);
    this.#open.placeAgain();
    this.#watcher.follow();
  }

  async removeFolder(uri: string): Promise<void> {
    const folder = this.folders.remove(uri);
    if (folder === undefined) {
      return;
    }
    this.#open.placeAgain();
    this.#watcher.forget(folder);
    await folder.index.close();
    this.#onChange();
  }

  configure(settings: ServerSettings['repository']): void {
    const same = JSON.stringify(settings) === JSON.stringify(this.#settings);
    this.#settings = settings;
    this.lane.configure(settings.pauseOnBattery);
    if (same) {
      return;
    }
    this.#sizeLimit.configure(settings.tokens);
    for (const { index } of this.folders.all) {
      index.configure(settings.enabled, settings.exclude);
    }
  }

  /** Takes the engine that is loaded now, before an old one is disposed of. */
  use(engine: Engine | undefined): void {
    if (engine === this.#engine) {
      return;
    }
    this.#engine = engine;
    if (engine?.chunks !== undefined) {
      engine.chunks.onLost = (chunk) => this.#chunkLost(chunk);
    }
    for (const { index } of this.folders.all) {
      index.use(engine);
    }
    this.lane.use(engine);
  }

  /** Watches the files itself, for clients that do not report files that change. */
  watch(): void {
    this.#watcher.start();
  }

  /** A document was opened, or is worked on. */
  noteOpen(document: OpenDocument): void {
    this.#open.used(document);
  }

  noteClosed(uri: string): void {
    this.#open.closed(uri);
  }

  /**
   * Files were created, changed, deleted or saved. Clients report a saved file twice, as saved and as changed on disk, in
   * either order. That does no harm: paths are collected in a set until the update of a burst, and where the second report
   * comes after it, the file is read once more, its hash is the same, and its chunks stay.
   */
  noteFiles(uris: readonly string[]): void {
    const changes = new Map<WorkspaceFolder, string[]>();
    for (const uri of uris) {
      const { folder, path: relative, file } = this.folders.place(uri);
      if (folder !== undefined && file !== undefined) {
        const known = changes.get(folder);
        if (known === undefined) {
          changes.set(folder, [relative]);
        } else {
          known.push(relative);
        }
      }
    }
    for (const [folder, relative] of changes) {
      folder.fileList.changed();
      folder.index.noteChanges(relative);
    }
  }

  /** What a request reads of the document's folder: what is encoded now, without the document itself. */
  chunksFor({ folder, file, path: relative }: DocumentPlace, text: TextAround): readonly RetrievedChunk[] {
    if (folder === undefined || file === undefined || !this.#settings.enabled) {
      return [];
    }
    this.folders.noteUse(folder);
    return folder.index.chunksFor(relative, text);
  }

  /** What a question reads: of the folder of the first of these documents that is in one, else of the one used last. */
  chunksForQuestion(uris: readonly string[], text: string): readonly RetrievedChunk[] {
    const places = uris.map((uri) => this.folders.place(uri).folder);
    const folder = places.find((one) => one !== undefined) ?? this.folders.byUse[0];
    if (folder === undefined || !this.#settings.enabled) {
      return [];
    }
    this.folders.noteUse(folder);
    return folder.index.chunksFor(undefined, text);
  }

  /** What is in the index of all folders, or of that of a document. @throws EngineError CANCELLED */
  async contents({ uri }: ContextParams, signal: AbortSignal): Promise<ContextFolder[]> {
    this.#open.reportNow();
    const place = uri === undefined ? undefined : this.folders.place(uri);
    const folders = this.folders.all.filter((one) => uri === undefined || one === place?.folder);
    await Promise.all(folders.map(({ index }) => index.upToDate(signal)));
    const text = this.#open.get(uri ?? '')?.getText() ?? '';
    return folders.map((folder) =>
      contextFolder(folder, place?.file === undefined ? undefined : { path: place.path, text }),
    );
  }

  /**
   * Takes the user's choice on a file or a folder, at once and for later. A file that looks like a secret is included once
   * the user has confirmed it.
   * @returns what looks like a secret: then nothing has changed; undefined: the choice is taken
   * @throws EngineError BAD_ARGUMENT for what is in no folder; DISK_FULL, INTERNAL: the choice is taken, but not kept on disk
   */
  async choose(
    { uri, choice, confirmed = false }: ChooseContextParams,
    signal: AbortSignal,
  ): Promise<SecretSeen | undefined> {
    const whole = this.folders.at(uri);
    const place = this.folders.place(uri.replace(/(?<!\/)\/+$/, ''));
    const folder = whole ?? place.folder;
    if (folder === undefined) {
      throw new EngineError('BAD_ARGUMENT', `${uri} is in no folder of the workspace.`, {
        remedy: 'Choose a file or a folder of the workspace.',
      });
    }
    const secret = choice === 'include' && whole === undefined ? await folder.sources.secretIn(place.path) : undefined;
    if (secret !== undefined && !confirmed) {
      return secret;
    }
    const written = folder.choices.set(whole === undefined ? place.path : '', choice, secret !== undefined);
    folder.fileList.changed();
    folder.index.walkAgain(0);
    try {
      await written;
    } catch (error) {
      throw toEngineError(error);
    }
    await folder.index.upToDate(signal);
    return undefined;
  }

  /** Empties the store of the loaded engine, unless this is a dry run. @returns its bytes @throws EngineError */
  async clearDisk(engine: Engine, dryRun: boolean): Promise<number> {
    if (engine.chunks === undefined) {
      return 0;
    }
    if (dryRun) {
      return engine.chunks.disk.bytes;
    }
    const bytes = await engine.chunks.clearDisk();
    for (const { index } of this.folders.all) {
      index.noteDiskCleared();
    }
    this.#onChange();
    return bytes;
  }

  async close(): Promise<void> {
    this.#open.close();
    this.#watcher.close();
    await this.lane.close();
    await Promise.all(this.folders.all.map(({ index }) => index.close()));
  }

  #chunkLost(chunk: EncodedChunk): void {
    for (const { index } of this.folders.all) {
      index.noteLost(chunk);
    }
    this.#onChange();
    this.lane.wake();
  }

  #indexChanged(): void {
    this.#onChange();
    this.lane.wake();
    this.#watcher.follow();
  }
}
