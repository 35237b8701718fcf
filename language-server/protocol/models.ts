/** What the server knows of models: those on this machine, those of the catalogue, whether they fit, how a download goes. */

/** Answers a {@link ModelList}. */
export const listModelsRequest = 'fasa/models/list';
/**
 * Answers the models of the catalogue that are not here, as {@link ListedModel}s with size and fit, the best one marked. Asks the
 * hub for each of them: one that it says nothing of stands without figures.
 */
export const recommendModelsRequest = 'fasa/models/recommend';
/** {@link ModelParams} -> {@link RemoteModel}: what the hub says of a model. Nothing is fetched. */
export const lookAtModelRequest = 'fasa/models/look';
/** {@link ModelFileParams} -> {@link ListedModel}: a file of the user's, and whether it can be used. */
export const checkModelRequest = 'fasa/models/check';
/**
 * {@link ModelParams} -> {@link FetchModelResult}, when it is here. {@link DownloadStatus} in `fasa/status` tells how it goes.
 * Whoever cancels the request pauses the download: asked for again, it goes on where it was. A second request for the same
 * model waits for the same download; one for another model is refused.
 */
export const fetchModelRequest = 'fasa/models/fetch';
/** Pauses the download of this server, if there is one. Answers when it has stopped. */
export const pauseDownloadRequest = 'fasa/models/pause';
/** {@link ModelFileParams} -> {@link RemoveModelResult}: takes a model of our folder away, whole or only begun. */
export const removeModelRequest = 'fasa/models/remove';

export interface ModelParams {
  /** A name of the catalogue, OWNER/REPOSITORY[:FILE], or an address. */
  readonly model: string;
}

export interface ModelFileParams {
  readonly file: string;
}

export interface ModelList {
  /** Those of this machine first, then what was begun, then those of the catalogue that are not here. */
  readonly models: readonly ListedModel[];
  /** Where downloads go. */
  readonly folder: string;
  /** The file of the model that is loaded. */
  readonly loaded?: string;
  /** What FASA_MODEL says: it comes before the setting. */
  readonly fromEnvironment?: string;
  /** Another process, such as the server of another window, is downloading a model. */
  readonly isDownloadedElsewhere: boolean;
}

export interface FetchModelResult {
  readonly file: string;
  /** For people. */
  readonly name: string;
  /** false: it was here. */
  readonly fetched: boolean;
}

export interface RemoveModelResult {
  readonly removed: readonly string[];
}

/** Where a file lies. */
export type StoreKind = 'own' | 'ollama' | 'lm-studio' | 'llama.cpp' | 'hugging-face' | 'folder';

export type Support =
  | { readonly supported: true }
  /** @property reason the end of a sentence that begins with the file */
  | { readonly supported: false; readonly reason: string };

/** Bytes of what a loaded model needs. */
export interface MemoryParts {
  /** The file; weights may be repacked, so it counts in full. */
  readonly weights: number;
  /** f16 keys and values of one sequence. */
  readonly keysAndValues: number;
  readonly importanceKeys: number;
  /** Buffers of the computation, the vocabulary and the program. */
  readonly work: number;
}

/** Where keys and values lie when the model is on a GPU: all there, or importance keys alone. */
export type MemoryTier = 'cpu' | 'gpu' | 'gpu-rows-on-host';

export interface Fit {
  readonly kind: 'fits' | 'less-context' | 'does-not-fit';
  readonly tier: MemoryTier;
  /** What it is asked for. */
  readonly wantedTokens: number;
  /** What there is room for: `wantedTokens` or less; 0 where it does not fit. */
  readonly contextTokens: number;
  /** For `contextTokens`; for the least context where it does not fit. */
  readonly parts: MemoryParts;
  readonly hostBytes: number;
  /** 0 on the CPU. */
  readonly deviceBytes: number;
  readonly hostAvailable: number;
  readonly deviceAvailable: number;
}

/** One of a list. */
export interface ListedModel {
  /** What a command or a setting takes: the name in the catalogue, or the file. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  /** undefined for one of the catalogue that is not here. */
  readonly file?: string;
  readonly store?: StoreKind;
  /** As its store has it: `qwen2.5-coder:1.5b`, or a path in its folder. */
  readonly storeName?: string;
  readonly bytes?: number;
  /** What is here of a download that is under way or was broken off; its `id` goes on with it. */
  readonly begunBytes?: number;
  readonly architecture?: string;
  readonly support: Support;
  readonly fit?: Fit;
  /** The largest that leaves half of the memory to others. */
  readonly best: boolean;
  /** It is in our folder, so it may be removed. */
  readonly removable: boolean;
  readonly catalogue?: {
    readonly name: string;
    readonly license: string;
    readonly use: 'inline' | 'chat' | 'both';
    readonly note: string;
    /** OWNER/NAME on the hub; undefined for the one of the package index. */
    readonly repository?: string;
  };
}

/** One that is elsewhere, as its repository's listing and the first bytes of its file say: nothing was fetched. */
export interface RemoteModel {
  /** For people. */
  readonly name: string;
  /** OWNER/NAME, and the branch, tag or commit. */
  readonly repository: string;
  readonly revision: string;
  /** What would be fetched: of a split model all parts, in order. */
  readonly files: readonly RemoteFile[];
  /** Of all of them. */
  readonly bytes: number;
  readonly architecture?: string;
  readonly trainedContext?: number;
  readonly kvBytesPerToken?: number;
  readonly support: Support;
  readonly fit?: Fit;
  /** All GGUF files that the repository has: what a reference may name after a colon. */
  readonly choices: readonly RemoteFile[];
}

export interface RemoteFile {
  /** In the repository. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex; undefined for what is no large file of the hub. */
  readonly sha256?: string;
}

/** Told while a model is fetched. */
export interface DownloadProgress {
  readonly doneBytes: number;
  readonly totalBytes?: number;
  /** undefined before there was anything to measure. */
  readonly bytesPerSecond?: number;
  readonly secondsLeft?: number;
}

/** The download that the server runs. */
export interface DownloadStatus extends Partial<DownloadProgress> {
  /** What it was asked for. */
  readonly model: string;
  /** For people. */
  readonly name: string;
  /** Where it will be; undefined until that is known. */
  readonly file?: string;
  /** What is done now, or what is waited for, in a few words. */
  readonly step: string;
}
