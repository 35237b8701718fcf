/**
 * Every custom request and notification between the extension (or any LSP client) and the language server, typed once:
 * types and names only. Fields keep name, unit and meaning (a field may be added).
 */

/** Server to client notification, at most four a second while something changes, none at rest. */
export const statusNotification = 'fasa/status';
/** Requests without parameters, answered when done. */
export const pauseRequest = 'fasa/pause';
export const resumeRequest = 'fasa/resume';
export const unloadRequest = 'fasa/unload';
/** Measures speed and fidelity at once, over what is in the cache; answers the status record with them. */
export const measureRequest = 'fasa/measure';
/** The status record now. */
export const getStatusRequest = 'fasa/getStatus';

/** Client to server notification: where the user is. What a completion there needs first is read ahead. */
export const focusNotification = 'fasa/focus';

export interface FocusParams {
  readonly textDocument: { readonly uri: string };
  readonly position: { readonly line: number; readonly character: number };
}

/** What completions did since the server started: for measurements. */
export const completionCountsRequest = 'fasa/completionCounts';

export interface CompletionCounts {
  readonly requests: number;
  /** Answered without decoding. */
  readonly fromCache: number;
  /** Not answered, as nothing should be offered there. */
  readonly silent: number;
  readonly cancelled: number;
  /** Not done within their time budget. */
  readonly late: number;
  /** Of all generations that came to their end. */
  readonly fedTokens: number;
  readonly decodedTokens: number;
  /** Fed or decoded after their request was cancelled, over all of them. */
  readonly tokensAfterCancel: number;
  /** For each cancel that met a running or queued generation. */
  readonly cancelToIdleMs: readonly number[];
}

/** What is in the context, what is not, and why. */
export const contextRequest = 'fasa/context';

export interface ContextParams {
  /** The folder of this document alone, and in the order that a request there would have; absent: all folders. */
  readonly uri?: string;
}

export interface ContextResult {
  readonly folders: readonly ContextFolder[];
}

export interface ContextFolder {
  readonly uri: string;
  readonly name: string;
  /** Most relevant first, then what is left out, by path. */
  readonly files: readonly ContextFile[];
  readonly tokens: number;
  readonly tokensEncoded: number;
  /** Most tokens of the folder that are encoded. */
  readonly budgetTokens: number;
  /** Whole sentences on ignore files and patterns that are not applied, and why; absent where all are. */
  readonly ruleProblems?: readonly string[];
}

export interface ContextFile {
  /** Below the folder, forward slashes. */
  readonly path: string;
  /** 0 where it is left out by its name, so never read. */
  readonly tokens: number;
  readonly chunks: number;
  readonly chunksEncoded: number;
  readonly state: 'encoded' | 'encoding' | 'waiting' | 'left out';
  /** Why it is left out, in words. */
  readonly reason?: string;
  /** The user's own word on it. */
  readonly choice?: 'include' | 'exclude';
}

/** The user's word on a file or folder; it holds for the workspace until it is taken back with `default`. */
export const chooseContextRequest = 'fasa/context/choose';

export interface ChooseContextParams {
  readonly uri: string;
  readonly choice: 'include' | 'exclude' | 'default';
  /** The user was asked about the secret that an earlier answer named, and wants the file included. */
  readonly confirmed?: boolean;
}

/** null: it holds now. Else nothing has changed: the file looks like a secret, and the user has to be asked first. */
export type ChooseContextResult = { readonly secret: SecretSeen } | null;

/** What makes a file look like a secret. */
export type SecretSeen =
  | { readonly by: 'name' }
  | {
      readonly by: 'content';
      /** As a sentence names it: "a private key". */
      readonly what: string;
      /** 1-based. */
      readonly line: number;
    };

/** Encodes what is not encoded yet, now; answers when it is done. Progress as work done, cancellable. */
export const encodeRequest = 'fasa/encode';

export interface EncodeParams {
  /** `$/progress` with this token, as work done. */
  readonly workDoneToken?: string | number;
}

export const clearCacheRequest = 'fasa/clearCache';

export interface ClearCacheParams {
  /** Only tells what would be freed. */
  readonly dryRun?: boolean;
}

export interface ClearCacheResult {
  readonly bytes: number;
}

export type ServerState = 'starting' | 'loading' | 'encoding' | 'ready' | 'busy' | 'paused' | 'off' | 'error';

export interface Status {
  readonly state: ServerState;
  /** 0 to 1, while loading. */
  readonly progress?: number;
  /** With state `error` or `off`: what happened and what the user can do. */
  readonly problem?: StatusProblem;
  readonly model?: ModelStatus;
  readonly device?: DeviceStatus;
  readonly repository?: RepositoryStatus;
  readonly cache?: CacheStatus;
  readonly attention?: AttentionStatus;
  /** Measured with the loaded model on this machine; absent until then. */
  readonly speed?: SpeedStatus;
  readonly fidelity?: FidelityStatus;
  readonly lastRequest?: RequestStatus;
  /** Completions miss their time budget here. */
  readonly slow?: SlowStatus;
}

export interface SlowStatus {
  /** What takes most of the time. */
  readonly cause: 'feeding' | 'decoding' | 'waiting';
  /** What was measured, in words. */
  readonly message: string;
  /** One sentence: what the user can do. */
  readonly remedy: string;
}

export interface StatusProblem {
  /** For example MODEL_NOT_FOUND, NOT_GGUF, UNSUPPORTED_ARCHITECTURE, OUT_OF_MEMORY, ADDON_MISSING. */
  readonly code: string;
  /** One sentence: what happened, to what. */
  readonly message: string;
  /** One sentence: what the user can do. */
  readonly remedy: string;
}

export interface ModelStatus {
  readonly name: string;
  readonly architecture: string;
  readonly parameters: number;
  readonly quantization: string;
  readonly trainedContext: number;
  readonly bytes: number;
  readonly fillInTheMiddle: boolean;
}

export interface DeviceStatus {
  readonly kind: 'cpu' | 'gpu' | 'accelerator';
  readonly name: string;
  readonly threads: number;
  /** Bytes: resident memory of the server's process, and free memory of the device. */
  readonly memoryUsed: number;
  readonly memoryFree: number;
}

export interface RepositoryStatus {
  readonly files: number;
  readonly filesEncoded: number;
  readonly tokens: number;
  readonly tokensEncoded: number;
  /** Number of files left out, by reason. */
  readonly leftOut: Readonly<Record<string, number>>;
  /** While encoding: of the files to encode now. */
  readonly encoding?: {
    readonly filesDone: number;
    readonly files: number;
    readonly tokensDone: number;
    readonly tokens: number;
    /** Measured; absent until some were encoded. */
    readonly secondsLeft?: number;
  };
  readonly paused?: 'user' | 'battery';
  /** Of the store on disk. */
  readonly diskBytes?: number;
}

export interface CacheStatus {
  readonly tokens: number;
  readonly contextTokens: number;
  readonly fullBytes: number;
  readonly fastBytes: number;
  readonly slowBytes: number;
  /** 1 - fastBytes / fullBytes. Absent when the cache is empty. */
  readonly saved?: number;
}

export interface AttentionStatus {
  readonly mode: 'auto' | 'dense' | 'fasa-c' | 'fasa-m';
  readonly budget: number;
  /** The model has a calibration file; without one `auto` is dense. */
  readonly calibrated: boolean;
  /** Share done, 0 to 1, while it is calibrated in the background. */
  readonly calibrating?: number;
}

/** Of whole decode steps over the user's own context: never estimated. */
export interface SpeedStatus {
  readonly fasaMsPerToken: number;
  readonly denseMsPerToken: number;
  /** denseMsPerToken / fasaMsPerToken */
  readonly speedup: number;
  /** Cached tokens. */
  readonly atTokens: number;
  /** ISO 8601. */
  readonly measuredAt: string;
}

/** FASA steps against dense ones over the same cache, since the model was loaded. */
export interface FidelityStatus {
  /** Of the next-token distributions, in nats. */
  readonly meanKl: number;
  /** Share of steps with the same most likely token. */
  readonly agreement: number;
  /** Steps. */
  readonly samples: number;
}

export interface RequestStatus {
  readonly kind: 'inline' | 'chat';
  readonly firstTokenMs: number;
  readonly tokens: number;
  readonly tokensPerSecond: number;
  readonly reusedTokens: number;
  readonly fedTokens: number;
  readonly bytesReadPerToken: number;
  /** When it ended, ISO 8601. */
  readonly at?: string;
  /** Milliseconds: waiting behind other requests, reading the prompt, decoding after the first token. */
  readonly queueMs?: number;
  readonly feedMs?: number;
  readonly decodeMs?: number;
}

/**
 * `fasa/ask`: partial results on the given partialResultToken are `{ text }` deltas, and `{ text: '', read }` while the
 * prompt is read, 0 to 1.
 */
export const askRequest = 'fasa/ask';

export interface AskParams {
  readonly conversation: string;
  readonly question: string;
  readonly references: readonly { readonly uri: string }[];
  readonly selection?: AskSelection;
  /** What to do, in the server's words; the question may then be empty. */
  readonly command?: AskCommand;
  /** Texts that the client found: a symbol, problems, changes. */
  readonly attachments?: readonly AskAttachment[];
  /** The earlier turns that stand. Absent: all that the server remembers of the conversation. */
  readonly history?: readonly AskTurn[];
  /** No file is read that is not open in the editor: the workspace is not trusted. */
  readonly openOnly?: boolean;
  readonly partialResultToken?: string | number;
}

export interface AskSelection {
  readonly uri: string;
  readonly text: string;
  /** 0-based line of the document that it begins in. Absent: the answer cannot cite it. */
  readonly firstLine?: number;
}

export const askCommands = ['explain', 'fix', 'tests', 'doc', 'review'] as const;
export type AskCommand = (typeof askCommands)[number];

export interface AskAttachment {
  /** For the model and the user, for example `symbol parse in src/a.ts`. */
  readonly label: string;
  readonly text: string;
  /** Of the documents or files that it was taken from: a text of one that is a secret is left out. */
  readonly uris?: readonly string[];
}

export interface AskTurn {
  /** Of a command alone: `/explain`, ... */
  readonly question: string;
  readonly answer: string;
}

/** `AskParams` -> `AskSize`: what would be in the prompt, counted by the model's tokenizer. */
export const askSizeRequest = 'fasa/ask/size';

export interface AskSize {
  /** Most tokens of a prompt, the answer's not among them. */
  readonly roomTokens: number;
  /** Kept free for the answer. */
  readonly answerTokens: number;
  /** The prompt's, without what is left out. */
  readonly tokens: number;
  /** False: question and instructions alone are too long. */
  readonly fits: boolean;
  /** Of the repository, encoded and read sparsely beside the prompt: they take nothing of its room. */
  readonly repositoryTokens?: number;
  readonly parts: readonly AskSizePart[];
}

export const askSizeKinds = [
  'instructions',
  'question',
  'selection',
  'attachment',
  'file',
  'related',
  'history',
] as const;

export interface AskSizePart {
  readonly kind: (typeof askSizeKinds)[number];
  readonly label: string;
  /** The whole of it; undefined: it was not read. */
  readonly tokens?: number;
  /** 0: left out; less than `tokens`: cut. */
  readonly includedTokens: number;
  /** Why it is left out or cut. */
  readonly reason?: string;
}

/** Messages of another chat (the editor's own), answered as they are: `ChatParams` -> `ChatResult`, partial results as of `fasa/ask`. */
export const chatRequest = 'fasa/chat';

export interface ChatParams {
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly text: string }[];
  readonly maxTokens?: number;
  readonly partialResultToken?: string | number;
}

export interface ChatResult {
  readonly text: string;
  readonly stats: RequestStatus;
}

/** `{ texts }` -> `{ counts }`: tokens of each text. */
export const countTokensRequest = 'fasa/countTokens';

export interface CountTokensResult {
  readonly counts: readonly number[];
}

export interface AskResult {
  readonly text: string;
  /** Sources, the largest share first; empty where no file was read, and with the model on a GPU. */
  readonly citations: readonly Citation[];
  readonly stats: RequestStatus;
  /** What was in the prompt, and what was left out. */
  readonly size?: AskSize;
}

export interface Citation {
  readonly uri: string;
  readonly range: {
    readonly start: { readonly line: number; readonly character: number };
    readonly end: { readonly line: number; readonly character: number };
  };
  readonly share: number;
}

/** `initializationOptions` of the client, and the `fasa` section of `workspace/didChangeConfiguration`. */
export interface ServerSettings {
  /** A GGUF file; empty: the default model in the cache folder. */
  readonly modelPath: string;
  readonly attention: AttentionStatus['mode'];
  readonly budget: number;
  readonly threads: number;
  /** `auto`, `cpu`, or the name of a GPU. */
  readonly device: string;
  /** Most tokens of a sequence; 0: the model's trained context, at most 8,192. */
  readonly contextTokens: number;
  readonly repository: {
    /** Other files than the open one are read. */
    readonly enabled: boolean;
    /** Most tokens of a folder that are encoded; 0: as many as memory, disk and the speed of encoding allow. */
    readonly tokens: number;
    /** Globs of files and folders that stay out, as `files.exclude` has them, which is part of them. */
    readonly exclude: readonly string[];
    /** Most that is kept on disk of all repositories; what was used longest ago goes first. */
    readonly diskGigabytes: number;
    /** Of the keys and values that are kept: q8_0 takes about half the bytes of f16, and rounds. */
    readonly precision: 'f16' | 'q8_0';
    /** On battery nothing is encoded, unless the user asks for it. */
    readonly pauseOnBattery: boolean;
  };
  readonly completion: {
    readonly enabled: boolean;
    readonly maxTokens: number;
    /** Most milliseconds from request to answer; what is there then is offered. */
    readonly timeBudgetMs: number;
    /** Tokens of the current file around the cursor. */
    readonly tailTokens: number;
    /** In a larger document nothing is offered unless it is asked for. */
    readonly maxFileSizeKB: number;
    /** Language ids without completions. */
    readonly disabledLanguages: readonly string[];
  };
}
