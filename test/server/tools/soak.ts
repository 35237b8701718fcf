/** Random requests, edits, opens, closes, cancels and changes of files, by a seed: all is answered, and memory stays flat. */

import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { CancellationTokenSource } from 'vscode-languageserver/node';
import {
  askRequest,
  askSizeRequest,
  chatRequest,
  chooseContextRequest,
  contextRequest,
  countTokensRequest,
  focusNotification,
  getStatusRequest,
  pauseRequest,
  resumeRequest,
} from '../../../language-server/protocol/server';
import type { Random } from '../../native/tools/random';
import type { Client } from './client';
import { type HostileWorkspace, hostileText } from './hostile-workspace';

interface SoakOptions {
  readonly milliseconds: number;
  /** Between two actions, at most. */
  readonly pauseMs: number;
  /** Requests that wait at the same time, at most. */
  readonly maxWaiting: number;
}

interface SoakFigures {
  readonly actions: number;
  readonly requests: number;
  readonly answered: number;
  /** By the code of the error. */
  readonly refused: Readonly<Record<string, number>>;
  /** Longest time that the server took for a request that needs no model. */
  readonly longestPingMs: number;
  /** Resident bytes, as the system counts them, in the second tenth of the time and in the last. */
  readonly memory: readonly [number, number];
}

interface Open {
  version: number;
  lines: number;
}

/** @throws Error when the server dies, or when a request is not answered */
export async function soak(
  client: Client,
  workspace: HostileWorkspace,
  random: Random,
  { milliseconds, pauseMs, maxWaiting }: SoakOptions,
): Promise<SoakFigures> {
  const { connection } = client;
  const open = new Map<string, Open>();
  const waiting = new Set<{
    readonly method: string;
    readonly source: CancellationTokenSource;
    readonly since: number;
  }>();
  const refused: Record<string, number> = {};
  const memory: { readonly share: number; readonly bytes: number }[] = [];
  let actions = 0;
  let requests = 0;
  let answered = 0;
  let longestPingMs = 0;
  let isAlive = true;
  void client.exited.then(() => {
    isAlive = false;
  });

  const request = (method: string, params?: unknown) => {
    const one = { method, source: new CancellationTokenSource(), since: performance.now() };
    waiting.add(one);
    requests++;
    const done = () => {
      answered++;
      waiting.delete(one);
    };
    const asked = connection.sendRequest(method, params, one.source.token);
    asked.then(done, (error: unknown) => {
      const code = String((error as { readonly code?: unknown }).code);
      refused[code] = (refused[code] ?? 0) + 1;
      done();
    });
  };
  const uriOf = () => (random.chance(0.1) ? `untitled:new${random.below(5)}` : pathToFileURL(workspace.place()).href);
  const openOne = () => (open.size === 0 ? uriOf() : random.of([...open.keys()]));
  const position = () => ({ line: random.below(30), character: random.below(40) });
  const place = () => ({ textDocument: { uri: openOne() }, position: position() });
  const notify = (method: string, params: unknown) => connection.sendNotification(method, params);
  const question = () => ({
    conversation: String(random.below(3)),
    question: random.chance(0.2) ? hostileText(random) : `What does ${random.of(['a.ts', 'parse', 'line'])} do?`,
    references: random.chance(0.4) ? [{ uri: uriOf() }] : [],
    ...(random.chance(0.2) ? { selection: { uri: openOne(), text: hostileText(random), firstLine: 0 } } : {}),
    ...(random.chance(0.2) ? { attachments: [{ label: 'x', text: hostileText(random), uri: uriOf() }] } : {}),
    ...(random.chance(0.1) ? { openOnly: true } : {}),
  });

  const doings: readonly (readonly [number, () => unknown])[] = [
    [
      10,
      () => {
        const uri = uriOf();
        open.set(uri, { version: 1, lines: 20 });
        return notify('textDocument/didOpen', {
          textDocument: {
            uri,
            languageId: random.of(['typescript', 'python', 'rust', 'markdown']),
            version: 1,
            text: hostileText(random, 300),
          },
        });
      },
    ],
    [
      30,
      () => {
        const uri = openOne();
        const one = open.get(uri);
        if (one === undefined) {
          return undefined;
        }
        one.version++;
        const start = position();
        const end = { line: start.line + random.below(2), character: random.below(60) };
        return notify('textDocument/didChange', {
          textDocument: { uri, version: one.version },
          contentChanges: [
            {
              range: { start, end },
              text: random.chance(0.8) ? random.of(['a', '(', '\n', ' = ']) : hostileText(random),
            },
          ],
        });
      },
    ],
    [
      6,
      () => {
        const uri = openOne();
        open.delete(uri);
        return notify('textDocument/didClose', { textDocument: { uri } });
      },
    ],
    [30, () => request('textDocument/inlineCompletion', { ...place(), context: { triggerKind: 1 + random.below(2) } })],
    [4, () => request(askRequest, question())],
    [6, () => request(askSizeRequest, question())],
    [1, () => request(chatRequest, { messages: [{ role: 'user', text: hostileText(random) }], maxTokens: 20 })],
    [2, () => request(countTokensRequest, { texts: [hostileText(random)] })],
    [2, () => request(contextRequest, random.chance(0.5) ? {} : { uri: openOne() })],
    [
      2,
      () =>
        request(chooseContextRequest, {
          uri: uriOf(),
          choice: random.of(['include', 'exclude', 'default']),
          confirmed: false,
        }),
    ],
    [
      6,
      () => {
        const [first] = waiting;
        first?.source.cancel();
      },
    ],
    [3, () => notify(focusNotification, place())],
    [
      6,
      () => {
        const changes = Array.from({ length: 1 + random.below(5) }, () => ({
          uri: pathToFileURL(workspace.change()).href,
          type: 1 + random.below(3),
        }));
        return notify('workspace/didChangeWatchedFiles', { changes });
      },
    ],
    [1, () => notify('textDocument/didOpen', { textDocument: { uri: null, text: 5 } })],
    [1, () => notify('textDocument/didChange', { textDocument: { uri: openOne() }, contentChanges: null })],
    [1, () => request('textDocument/inlineCompletion', { textDocument: null, position: -1 })],
    [1, () => client.child.stdin?.write('Content-Length: 7\r\n\r\n{broken')],
    [
      1,
      () => {
        request(pauseRequest);
        request(resumeRequest);
      },
    ],
    [
      1,
      () =>
        notify('workspace/didChangeConfiguration', {
          settings: {
            fasa: { repository: { exclude: [random.of(['{a,b}/**', '**/*.md', `${'{a,b}'.repeat(20)}`])] } },
          },
        }),
    ],
  ];
  const byWeight = doings.flatMap(([weight, doing]) => Array.from({ length: weight }, () => doing));

  const started = performance.now();
  let pingAt = 0;
  let ping: Promise<void> | undefined;
  for (let now = started; now - started < milliseconds; now = performance.now()) {
    if (!isAlive) {
      throw new Error(`The server died after ${actions} actions: ${client.events.slice(-20).join('\n')}`);
    }
    const pipeIsFull = (client.child.stdin?.writableLength ?? 0) > 1_000_000;
    if (waiting.size < maxWaiting && !pipeIsFull) {
      actions++;
      await random.of(byWeight)();
    }
    if (now - pingAt > 500 && ping === undefined) {
      pingAt = now;
      ping = connection.sendRequest(getStatusRequest).then(() => {
        longestPingMs = Math.max(longestPingMs, performance.now() - now);
        ping = undefined;
      });
      memory.push({ share: (now - started) / milliseconds, bytes: residentBytes(client.child.pid) });
    }
    await sleep(random.below(pauseMs + 1));
  }
  const deadline = performance.now() + 120_000;
  while (waiting.size > 0 && isAlive && performance.now() < deadline) {
    await sleep(50);
  }
  if (!isAlive || waiting.size > 0) {
    const methods = [...waiting].map(({ method }) => method).join(', ');
    throw new Error(isAlive ? `Not answered: ${methods}` : 'The server died at the end.');
  }
  const mean = (from: number, to: number) => {
    const part = memory.filter(({ share }) => share >= from && share <= to).map(({ bytes }) => bytes);
    return part.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, part.length);
  };
  return { actions, requests, answered, refused, longestPingMs, memory: [mean(0.1, 0.2), mean(0.9, 1)] };
}

/** 0 where the system does not say. */
function residentBytes(pid: number | undefined): number {
  try {
    const found = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
    return Number(found?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}
