/**
 * The repositories of a session as context: keeps them true to the files, gets them encoded in the background, and
 * answers what a request reads of them. The server and the command line use it alike.
 */

import path from 'node:path';
import { cacheFolder } from '../base/cache-folder';
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
import { FolderWatcher } from './discover/folder-watcher';
import { EncodingLane, type LaneParts } from './encode/encoding-lane';
import { automaticBudget, diskFree } from './encode/size-limit';
import { type OpenDocument, OpenDocuments } from './open-documents';
import type { TextAround } from './rank/relevance';
import type { Repository } from './workspace-folder';
import { type DocumentPlace, filePath, Workspace } from './workspace-folders';

export interface ContextServiceParts {
  readonly log: Log;
  /** What is in the context, or encoded of it, changed. */
  readonly onChange: () => void;
  readonly settings: ServerSettings['repository'];
  readonly onBattery?: LaneParts['onBattery'];
  readonly background?: LaneParts['background'];
}

/** An automatic budget stays until the machine allows so much more or less. */
const budgetSlack = 0.25;
/** A repository that cannot be watched is walked again so often. */
const walkAgainMs = 60_000;

export class ContextService {
  readonly workspace: Workspace;
  readonly lane: EncodingLane;
  readonly #parts: ContextServiceParts;
  readonly #budgets = new WeakMap<Repository, number>();
  readonly #watchers = new Map<Repository, FolderWatcher>();
  #settings: ServerSettings['repository'];
  #engine: Engine | undefined;
  readonly #open: OpenDocuments;
  #lastUsed: Repository | undefined;
  #watches = false;
  #walking: NodeJS.Timeout | undefined;

  constructor(parts: ContextServiceParts) {
    this.#parts = parts;
    this.#settings = parts.settings;
    const { log, onChange } = parts;
    this.lane = new EncodingLane({
      contexts: () => this.#byRelevance().map((repository) => repository.context),
      log,
      onChange,
      ...(parts.onBattery === undefined ? {} : { onBattery: parts.onBattery }),
      ...(parts.background === undefined ? {} : { background: parts.background }),
    });
    this.workspace = new Workspace({
      log,
      onChange: () => this.#planned(),
      budget: (engine, repository) => this.#budget(engine, repository),
    });
    this.#open = new OpenDocuments(this.workspace);
  }

  /** Of the folder that a request used last. */
  get status(): RepositoryStatus | undefined {
    const [repository] = this.#byRelevance();
    const reads = this.#settings.enabled && this.#engine?.chunks !== undefined;
    return repository === undefined || !reads ? undefined : repositoryStatus(repository, this.lane);
  }

  addFolder(uri: string): void {
    const repository = this.workspace.addFolder(uri);
    if (repository === undefined) {
      return;
    }
    repository.context.configure(this.#settings.enabled, this.#settings.exclude);
    repository.context.use(this.#engine);
    this.#open.placeAgain();
    this.#follow();
  }

  async removeFolder(uri: string): Promise<void> {
    const repository = this.workspace.removeFolder(uri);
    if (repository === undefined) {
      return;
    }
    this.#lastUsed = this.#lastUsed === repository ? undefined : this.#lastUsed;
    this.#open.placeAgain();
    this.#watchers.get(repository)?.close();
    this.#watchers.delete(repository);
    await repository.context.close();
    this.#parts.onChange();
  }

  configure(settings: ServerSettings['repository']): void {
    const same = JSON.stringify(settings) === JSON.stringify(this.#settings);
    this.#settings = settings;
    this.lane.configure(settings.pauseOnBattery);
    if (same) {
      return;
    }
    for (const repository of this.workspace.repositories) {
      this.#budgets.delete(repository);
      repository.context.configure(settings.enabled, settings.exclude);
    }
  }

  /** The engine that is loaded now, before an old one is disposed of. */
  use(engine: Engine | undefined): void {
    if (engine === this.#engine) {
      return;
    }
    this.#engine = engine;
    if (engine?.chunks !== undefined) {
      engine.chunks.onLost = (chunk) => this.#lost(chunk);
    }
    for (const repository of this.workspace.repositories) {
      this.#budgets.delete(repository);
      repository.context.use(engine);
    }
    this.lane.use(engine);
  }

  /** For clients that do not tell of files that change. */
  watch(): void {
    this.#watches = true;
    this.#follow();
  }

  /** A document was opened, or is worked on. */
  noteOpen(document: OpenDocument): void {
    this.#open.used(document);
  }

  noteClosed(uri: string): void {
    this.#open.closed(uri);
  }

  /** Files that were created, changed, deleted or saved. */
  noteFiles(uris: readonly string[]): void {
    const changes = new Map<Repository, string[]>();
    for (const uri of uris) {
      const { repository, path: relative, file } = this.workspace.place(uri);
      if (repository !== undefined && file !== undefined) {
        const known = changes.get(repository);
        if (known === undefined) {
          changes.set(repository, [relative]);
        } else {
          known.push(relative);
        }
      }
    }
    for (const [repository, relative] of changes) {
      repository.fileList.changed();
      repository.context.noteChanges(relative);
    }
  }

  /** What a request reads of the document's repository: what is encoded now, without the document itself. */
  chunksFor({ repository, file, path: relative }: DocumentPlace, text: TextAround): readonly RetrievedChunk[] {
    if (repository === undefined || file === undefined || !this.#settings.enabled) {
      return [];
    }
    this.#lastUsed = repository;
    return repository.context.chunksFor(relative, text);
  }

  /** What a question reads: of the folder of the first of these documents that is in one, else of the one used last. */
  chunksForQuestion(uris: readonly string[], text: string): readonly RetrievedChunk[] {
    const places = uris.map((uri) => this.workspace.place(uri).repository);
    const repository = places.find((one) => one !== undefined) ?? this.#byRelevance()[0];
    if (repository === undefined || !this.#settings.enabled) {
      return [];
    }
    this.#lastUsed = repository;
    return repository.context.chunksFor(undefined, text);
  }

  /** All folders, or that of a document. @throws EngineError CANCELLED */
  async folders({ uri }: ContextParams, signal: AbortSignal): Promise<ContextFolder[]> {
    this.#open.tellNow();
    const place = uri === undefined ? undefined : this.workspace.place(uri);
    const repositories = this.workspace.repositories.filter((one) => uri === undefined || one === place?.repository);
    await Promise.all(repositories.map((repository) => repository.context.planned(signal)));
    const text = this.#open.get(uri ?? '')?.getText() ?? '';
    return repositories.map((repository) =>
      contextFolder(repository, place?.file === undefined ? undefined : { path: place.path, text }),
    );
  }

  /**
   * The user's word on a file or a folder, at once and for later. A file that looks like a secret is included once the user
   * has confirmed it.
   * @returns what looks like a secret: then nothing has changed; undefined: it holds now
   * @throws EngineError BAD_ARGUMENT for what is in no folder; DISK_FULL, INTERNAL: it holds, but is forgotten at the end
   */
  async choose(
    { uri, choice, confirmed = false }: ChooseContextParams,
    signal: AbortSignal,
  ): Promise<SecretSeen | undefined> {
    const file = filePath(uri);
    const root = this.workspace.repositories.find(
      (one) => one.sources.root === (file ?? '').replace(/(?<![\\/])[\\/]+$/, ''),
    );
    const place = this.workspace.place(uri.replace(/(?<!\/)\/+$/, ''));
    const repository = root ?? place.repository;
    if (repository === undefined) {
      throw new EngineError('BAD_ARGUMENT', `${uri} is in no folder of the workspace.`, {
        remedy: 'Choose a file or a folder of the workspace.',
      });
    }
    const secret =
      choice === 'include' && root === undefined ? await repository.sources.secretIn(place.path) : undefined;
    if (secret !== undefined && !confirmed) {
      return secret;
    }
    const written = repository.choices.set(root === undefined ? place.path : '', choice, secret !== undefined);
    repository.fileList.changed();
    repository.context.walkAgain(0);
    try {
      await written;
    } catch (error) {
      throw toEngineError(error);
    }
    await repository.context.planned(signal);
    return undefined;
  }

  /** Bytes of the store of the engine that is loaded; empties it, if not only asked. @throws EngineError */
  async clearDisk(engine: Engine, dryRun: boolean): Promise<number> {
    if (engine.chunks === undefined) {
      return 0;
    }
    if (dryRun) {
      return engine.chunks.disk.bytes;
    }
    const bytes = await engine.chunks.clearDisk();
    for (const repository of this.workspace.repositories) {
      repository.context.noteDiskCleared();
    }
    this.#parts.onChange();
    return bytes;
  }

  async close(): Promise<void> {
    clearInterval(this.#walking);
    this.#open.close();
    for (const watcher of this.#watchers.values()) {
      watcher.close();
    }
    this.#watchers.clear();
    await this.lane.close();
    await Promise.all(this.workspace.repositories.map((repository) => repository.context.close()));
  }

  #lost(chunk: EncodedChunk): void {
    for (const repository of this.workspace.repositories) {
      repository.context.noteLost(chunk);
    }
    this.#parts.onChange();
    this.lane.wake();
  }

  #byRelevance(): Repository[] {
    const all = this.workspace.repositories;
    const last = this.#lastUsed;
    return last === undefined ? [...all] : [last, ...all.filter((repository) => repository !== last)];
  }

  #planned(): void {
    this.#parts.onChange();
    this.lane.wake();
    this.#follow();
  }

  #follow(): void {
    if (!this.#watches) {
      return;
    }
    let all = true;
    for (const repository of this.workspace.repositories) {
      const { context, sources } = repository;
      const watcher =
        this.#watchers.get(repository) ?? new FolderWatcher(sources.root, (relative) => context.noteChanges(relative));
      this.#watchers.set(repository, watcher);
      all = watcher.follow(context.folders) && all;
    }
    if (!all && this.#walking === undefined) {
      this.#parts.log.warn('Not all folders can be watched: the workspace is read again every minute.');
      this.#walking = setInterval(() => {
        for (const repository of this.workspace.repositories) {
          repository.context.walkAgain();
        }
      }, walkAgainMs);
      this.#walking.unref();
    }
  }

  async #budget(engine: Engine, repository: Repository): Promise<number> {
    const { chunks: encoder, device } = engine;
    if (this.#settings.tokens > 0 || encoder === undefined) {
      return this.#settings.tokens;
    }
    let memoryHeld = 0;
    for (const { chunks } of repository.context.files.values()) {
      memoryHeld += chunks.reduce((sum, chunk) => sum + (chunk.encoded?.fastBytes ?? 0), 0);
    }
    const now = automaticBudget({
      memoryFree: device.memoryFree,
      memoryHeld,
      diskFree: await diskFree(path.resolve(cacheFolder())),
      diskHeld: encoder.disk.bytes,
      maxDiskBytes: encoder.disk.maxBytes,
      bytesPerToken: encoder.bytesPerToken,
      tokensPerSecond: this.lane.tokensPerSecond,
      folders: this.workspace.repositories.length,
    });
    const before = this.#budgets.get(repository);
    const kept = before !== undefined && Math.abs(now - before) <= before * budgetSlack ? before : now;
    this.#budgets.set(repository, kept);
    return kept;
  }
}
