/**
 * What the server is made of: features, each of which answers its own requests. A feature knows the layers below it and
 * no other feature; the server calls them all at the moments that are named here (server/server.ts).
 */

import type { Connection, InitializeParams, ServerCapabilities } from 'vscode-languageserver/node';
import type { Log } from '../base/log';
import type { Engine, Generation } from '../engine/engine';
import type { ModelHost } from '../engine/model-host';
import type { RequestStatus, ServerSettings, SlowStatus, Status } from '../protocol/server';
import type { Documents } from './documents';

export interface Feature {
  /** Registers the feature's requests and notifications, before the first message is read. */
  register(requests: Requests): void;
  /** @returns what the feature offers to the client */
  initialize?(params: InitializeParams): ServerCapabilities;
  /** The client is ready to be asked. */
  initialized?(): void;
  /** The settings are others, or the same, and {@link FeatureServices.settings} answers the new ones. */
  configure?(settings: ServerSettings, before: ServerSettings): void;
  /**
   * The state of the model host changed. Where the engine is another one, or none, parts of the old one are given back now:
   * it is disposed of next.
   */
  hostChanged?(engine: Engine | undefined): void;
  /** A person waits for a request: what is done ahead of time or in idle time ends or makes way. */
  requestStarted?(): void;
  requestEnded?(): void;
  /** Ends what the feature does by itself, until {@link resume}. */
  pause?(): void;
  resume?(): void;
  /** The feature's part of the status record. */
  status?(): StatusPart;
  /** Ends everything; is called once. */
  shutdown?(): Promise<void> | void;
}

export interface StatusPart extends Pick<Status, 'repository' | 'speed' | 'fidelity' | 'download'> {
  /** 0 to 1 while the model is being calibrated. */
  readonly calibrating?: number | undefined;
}

/**
 * Answers a request. Parameters that the client left out are undefined.
 * @throws ResponseError; anything as toEngineError
 */
export type Answer = (params: unknown, signal: AbortSignal) => unknown;

/** The client's side of a feature. Cancellation arrives as a signal; typed errors become responses. */
export interface Requests {
  /** For notifications and progress. */
  readonly connection: Connection;
  on(method: string, answer: Answer): void;
  /** A request that a person waits for: {@link Feature.requestStarted} is called before it, on all features. */
  onUrgent(method: string, answer: Answer): void;
}

/** What the server lends to its features. */
export interface FeatureServices {
  readonly host: ModelHost;
  readonly documents: Documents;
  readonly log: Log;
  readonly status: StatusReports;
  readonly settings: () => ServerSettings;
}

export interface StatusReports {
  /** Something that the record shows has changed: it is sent soon. */
  changed(): void;
  /** @returns the statistics of the request, as a client is shown them */
  noteRequest(kind: RequestStatus['kind'], generation: Generation): RequestStatus;
  /** Whether completions come in time. */
  noteSlow(slow: SlowStatus | undefined): void;
  record(): Status;
}
