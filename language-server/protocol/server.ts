/**
 * Types and names of all custom requests and notifications between the extension, or any LSP client, and the language server.
 * Fields keep their name, unit and meaning; a field may be added.
 */

import type { AttentionStatus, RequestStatus } from './status';

export type * from './status';

/** Notification from server to client: at most four a second while something changes, none when idle. */
export const statusNotification = 'fasa/status';
/** Requests without parameters, which are answered when they are done. */
export const pauseRequest = 'fasa/pause';
export const resumeRequest = 'fasa/resume';
export const unloadRequest = 'fasa/unload';
/** Measures speed and fidelity now, over what is in the cache, and answers the status with them. */
export const measureRequest = 'fasa/measure';
/** Answers the current status. */
export const getStatusRequest = 'fasa/getStatus';

/** Notification from client to server: the place of the cursor. The prompt of a completion there is prefilled ahead of time. */
export const focusNotification = 'fasa/focus';

export interface FocusParams {
  readonly textDocument: { readonly uri: string };
  readonly position: { readonly line: number; readonly character: number };
}

/** Answers what is in the context, what is left out, and why. */
export const contextRequest = 'fasa/context';

export interface ContextParams {
  /** A document: only its folder is answered, in the order of relevance for a request there. Absent: all folders. */
  readonly uri?: string;
}

export interface ContextResult {
  readonly folders: readonly ContextFolder[];
}

export interface ContextFolder {
  readonly uri: string;
  readonly name: string;
  /** The most relevant files first, then those that are left out, by path. */
  readonly files: readonly ContextFile[];
  readonly tokens: number;
  readonly tokensEncoded: number;
  /** The maximum number of tokens of the folder that are encoded. */
  readonly budgetTokens: number;
  /** Sentences on ignore files and patterns that are not applied, and why; absent when all are. */
  readonly ruleProblems?: readonly string[];
}

export interface ContextFile {
  /** The path below the folder, with forward slashes. */
  readonly path: string;
  /** 0 for a file that is left out by its name, as it is never read. */
  readonly tokens: number;
  readonly chunks: number;
  readonly chunksEncoded: number;
  readonly state: 'encoded' | 'encoding' | 'waiting' | 'left out';
  /** Why the file is left out, in words. */
  readonly reason?: string;
  /** The user's choice for it. */
  readonly choice?: 'include' | 'exclude';
}

/** Sets the user's choice for a file or folder. It is valid for the workspace until it is reset with `default`. */
export const chooseContextRequest = 'fasa/context/choose';

export interface ChooseContextParams {
  readonly uri: string;
  readonly choice: 'include' | 'exclude' | 'default';
  /** The user has seen the secret that an earlier answer named, and wants to include the file. */
  readonly confirmed?: boolean;
}

/** null when the choice is set. Otherwise it is not: the file looks like a secret, and the user has to be asked first. */
export type ChooseContextResult = { readonly secret: SecretSeen } | null;

/** What makes a file look like a secret. */
export type SecretSeen =
  | { readonly by: 'name' }
  | {
      readonly by: 'content';
      /** What it is, as in a sentence: "a private key". */
      readonly what: string;
      /** 1-based. */
      readonly line: number;
    };

/** Encodes the rest of the repository now, and answers when it is done. Cancellable, with work done progress. */
export const encodeRequest = 'fasa/encode';

export interface EncodeParams {
  /** The token of `$/progress` notifications. */
  readonly workDoneToken?: string | number;
}

export const clearCacheRequest = 'fasa/clearCache';

export interface ClearCacheParams {
  /** Only answers how much would be freed. */
  readonly dryRun?: boolean;
}

export interface ClearCacheResult {
  readonly bytes: number;
}

/**
 * Asks a question. Partial results on the partialResultToken are `{ text }` deltas, and `{ text: '', read }` during the
 * prefill, where `read` is the share that is done, 0 to 1.
 */
export const askRequest = 'fasa/ask';

export interface AskParams {
  readonly conversation: string;
  readonly question: string;
  readonly references: readonly { readonly uri: string }[];
  readonly selection?: AskSelection;
  /** A command, for which the server has a prompt; the question may be empty then. */
  readonly command?: AskCommand;
  /** Texts from the client: a symbol, problems, changes. */
  readonly attachments?: readonly AskAttachment[];
  /** The earlier turns of the conversation. Absent: all that the server remembers. */
  readonly history?: readonly AskTurn[];
  /** Only files that are open in the editor may be read, as the workspace is not trusted. */
  readonly openOnly?: boolean;
  readonly partialResultToken?: string | number;
}

export interface AskSelection {
  readonly uri: string;
  readonly text: string;
  /** The 0-based line of the document where it begins. Absent: the answer cannot cite it. */
  readonly firstLine?: number;
}

export const askCommands = ['explain', 'fix', 'tests', 'doc', 'review'] as const;
export type AskCommand = (typeof askCommands)[number];

export interface AskAttachment {
  /** A name for the model and the user, for example `symbol parse in src/a.ts`. */
  readonly label: string;
  readonly text: string;
  /** The documents or files that it comes from. The text is left out if one of them is a secret. */
  readonly uris?: readonly string[];
}

export interface AskTurn {
  /** A command without a question is `/explain` and so on. */
  readonly question: string;
  readonly answer: string;
}

/** `AskParams` -> `AskSize`: the parts of the prompt, counted by the model's tokenizer. */
export const askSizeRequest = 'fasa/ask/size';

export interface AskSize {
  /** The maximum number of tokens of a prompt, without those of the answer. */
  readonly roomTokens: number;
  /** The number of tokens that are reserved for the answer. */
  readonly answerTokens: number;
  /** The number of tokens of the prompt, without what is left out. */
  readonly tokens: number;
  /** False when the question and the instructions alone are too long. */
  readonly fits: boolean;
  /** Encoded tokens of the repository, which are read sparsely and take no space in the prompt. */
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
  /** The tokens of the whole part; absent when it was not read. */
  readonly tokens?: number;
  /** 0 when it is left out, less than `tokens` when it is cut. */
  readonly includedTokens: number;
  /** Why it is left out or cut. */
  readonly reason?: string;
}

/** Answers messages of the editor's own chat: `ChatParams` -> `ChatResult`, with partial results like `fasa/ask`. */
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

/** `{ texts }` -> `{ counts }`: the number of tokens of each text. */
export const countTokensRequest = 'fasa/countTokens';

export interface CountTokensResult {
  readonly counts: readonly number[];
}

export interface AskResult {
  readonly text: string;
  /** The sources, the largest share first; empty when no file was read or the model is on a GPU. */
  readonly citations: readonly Citation[];
  readonly stats: RequestStatus;
  /** The parts of the prompt, and what was left out. */
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
  /** The path of a GGUF file; empty for the default model in the cache folder. */
  readonly modelPath: string;
  readonly attention: AttentionStatus['mode'];
  readonly budget: number;
  readonly threads: number;
  /** `auto`, `cpu`, or the name of a GPU. */
  readonly device: string;
  /** The maximum number of tokens of a sequence; 0 for the trained context, up to 8,192. */
  readonly contextTokens: number;
  readonly models: {
    /** Folders with GGUF files of the user's, beside the stores that are known. */
    readonly folders: readonly string[];
    /** The address of a mirror of the hub; empty for HF_ENDPOINT, or the hub itself. */
    readonly mirror: string;
    /** The proxy that the client uses itself. Absent: what the environment says. */
    readonly proxy?: string;
  };
  readonly repository: {
    /** Whether files other than the open one are read. */
    readonly enabled: boolean;
    /** The maximum number of tokens of a folder that are encoded; 0 for as many as memory, disk and speed allow. */
    readonly tokens: number;
    /** Globs of excluded files and folders, including those of the setting `files.exclude`. */
    readonly exclude: readonly string[];
    /** The maximum disk space of all repositories; the least recently used chunks are evicted first. */
    readonly diskGigabytes: number;
    /** The precision of stored keys and values: q8_0 takes about half the bytes of f16, and rounds. */
    readonly precision: 'f16' | 'q8_0';
    /** Whether encoding pauses on battery, unless the user asks for it. */
    readonly pauseOnBattery: boolean;
  };
  readonly completion: {
    readonly enabled: boolean;
    readonly maxTokens: number;
    /** The latency limit from request to answer; what has been generated by then is offered. */
    readonly timeBudgetMs: number;
    /** The number of tokens of the current file around the cursor that are read. */
    readonly tailTokens: number;
    /** The size of a document above which suggestions come only when they are triggered manually. */
    readonly maxFileSizeKB: number;
    /** Ids of languages without completions. */
    readonly disabledLanguages: readonly string[];
  };
}
