/**
 * `bench completion`: typing is replayed over files of a repository, through the real server over pipes. A stretch of a file
 * is taken out and typed again, with pauses, slips and jumps; what is offered is accepted where it is what the file has
 * there. So the file is the judge of what a user would have been saved.
 */

import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { EngineError, throwIfAborted } from '../../language-server/base/errors';
import { languageOfFile } from '../../language-server/base/languages';
import type { CommandLine } from '../../language-server/cli/arguments';
import { findModel } from '../../language-server/cli/open-engine';
import type { Output } from '../../language-server/cli/output';
import { SourceFiles } from '../../language-server/index/discover/source-files';
import { listFolder } from '../../language-server/index/discover/walk';
import { median } from '../common/statistics';
import { BenchServer } from './server';
import { Typist } from './typist';

const defaultFiles = 4;
/** Two stretches of each file, so that the cursor jumps; characters of each. */
const stretches = 2;
const stretchChars = 150;
const minChars = 1500;
const maxChars = 60_000;
/** A shorter text is typed faster than it is read. */
const minAccepted = 3;
/** To read a suggestion and press the key. */
const readMs = 350;

interface Stretch {
  readonly path: string;
  readonly before: string;
  readonly typed: string;
  readonly after: string;
}

interface Tally {
  typedCharacters: number;
  savedCharacters: number;
  readonly firstSuggestionMs: number[];
  readonly decodeMsPerToken: number[];
}

export async function benchCompletion(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { options } = line;
  const seed = options.seed ?? 1;
  const modelPath = await findModel(options.model, output, signal);
  const plan = await chooseStretches(options.repo, line.documents ?? defaultFiles, new Typist(seed), signal);
  const server = await BenchServer.start({
    modelPath,
    folder: options.repo,
    settings: {
      attention: options.attention,
      ...(options.budget > 0 ? { budget: options.budget } : {}),
      threads: options.threads,
      contextTokens: options.contextTokens,
      // encoding while typing would be measured with it, so everything is encoded first, or nothing
      repository: { enabled: line.encode, precision: line.options.rows },
    },
    signal,
  });
  try {
    if (line.encode) {
      output.message('Encoding the repository ...');
      await server.encode();
    }
    const tally: Tally = { typedCharacters: 0, savedCharacters: 0, firstSuggestionMs: [], decodeMsPerToken: [] };
    for (const [index, stretch] of plan.entries()) {
      output.progress('Typing', index / plan.length);
      await replay(server, options.repo, stretch, new Typist(seed + index), tally, signal);
    }
    output.progressDone();
    const record = await recordOf(server, tally, plan, seed);
    if (options.json) {
      output.json(record);
    } else {
      output.lines(Object.entries(record).map(([name, value]) => `${name}: ${String(value)}`));
    }
  } finally {
    await server.stop();
  }
}

/** The same for the same seed and files. @throws EngineError when nothing fits */
async function chooseStretches(repo: string, most: number, typist: Typist, signal: AbortSignal): Promise<Stretch[]> {
  const sources = new SourceFiles(repo);
  const { files } = await listFolder(sources, { signal });
  const known = files.filter((file) => languageOfFile(file)?.grammar !== undefined);
  const plan: Stretch[] = [];
  let used = 0;
  while (known.length > 0 && used < most) {
    throwIfAborted(signal);
    const [file = ''] = known.splice(typist.choose(known.length), 1);
    const read = await sources.read(path.join(sources.root, file));
    if (read === undefined || 'leftOut' in read) {
      continue;
    }
    const { text } = read.file;
    if (text.length < minChars || text.length > maxChars) {
      continue;
    }
    used++;
    for (let part = 0; part < stretches; part++) {
      const from = Math.floor(text.length * (0.25 + 0.35 * part)) + typist.choose(200);
      const start = text.indexOf('\n', from) + 1;
      // to the end of a line: what follows is not inside the word that is typed
      const end = text.indexOf('\n', start + stretchChars);
      if (end === -1) {
        break;
      }
      plan.push({ path: file, before: text.slice(0, start), typed: text.slice(start, end), after: text.slice(end) });
    }
  }
  if (plan.length === 0) {
    throw new EngineError('BAD_ARGUMENT', `${repo} has no source file of ${minChars} to ${maxChars} characters.`, {
      remedy: 'Name a folder with source files by --repo.',
    });
  }
  return plan;
}

async function replay(
  server: BenchServer,
  repo: string,
  { path: file, before, typed, after }: Stretch,
  typist: Typist,
  tally: Tally,
  signal: AbortSignal,
): Promise<void> {
  const uri = pathToFileURL(path.join(repo, file)).href;
  let text = before + after;
  let offset = before.length;
  const place = (at: number) => TextDocument.create(uri, '', 0, text).positionAt(at);
  const edit = async (from: number, to: number, insert: string) => {
    await server.change(uri, place(from), place(to), insert);
    text = text.slice(0, from) + insert + text.slice(to);
    offset = from + insert.length;
  };
  await server.open(uri, languageOfFile(file)?.id ?? '', text);
  let rest = typed;
  while (rest !== '') {
    for (const { pauseMs, key } of typist.keysFor(rest[0] ?? '', text[offset - 1] ?? '')) {
      throwIfAborted(signal);
      if (key === 'backspace') {
        await edit(offset - 1, offset, '');
      } else {
        await edit(offset, offset, key);
      }
      const wanted = text.slice(0, offset) === before + typed.slice(0, offset - before.length);
      rest = typed.slice(offset - before.length);
      tally.typedCharacters++;
      const accepted = await offered(server, uri, place(offset), wanted ? rest : '', pauseMs, tally);
      if (accepted !== undefined) {
        await sleep(readMs);
        await edit(offset, offset + accepted.replace, accepted.text);
        tally.savedCharacters += accepted.text.length;
        rest = typed.slice(offset - before.length);
        break;
      }
    }
  }
  await server.close(uri);
}

/** Asks as an editor does, and waits until the next key; what comes by then and is right is accepted. */
async function offered(
  server: BenchServer,
  uri: string,
  position: object,
  rest: string,
  pauseMs: number,
  tally: Tally,
): Promise<{ readonly text: string; readonly replace: number } | undefined> {
  const { fromCache } = await server.counts();
  const started = performance.now();
  const asked = server.ask(uri, position);
  const answer = await Promise.race([asked.answer, sleep(pauseMs)]);
  if (answer === undefined) {
    asked.cancel();
    await asked.answer;
    return undefined;
  }
  const milliseconds = performance.now() - started;
  const [item] = answer.items;
  if (item !== undefined) {
    const [counts, status] = await Promise.all([server.counts(), server.status()]);
    if (counts.fromCache === fromCache) {
      tally.firstSuggestionMs.push(milliseconds);
      const speed = status.lastRequest?.tokensPerSecond ?? 0;
      if (speed > 0) {
        tally.decodeMsPerToken.push(1000 / speed);
      }
    }
  }
  const text = typeof item?.insertText === 'string' ? item.insertText : '';
  const range = item?.range;
  const replace = range === undefined ? 0 : range.end.character - range.start.character;
  if (replace === 0 && text.length >= minAccepted && rest.startsWith(text)) {
    return { text, replace };
  }
  await sleep(Math.max(0, pauseMs - (performance.now() - started)));
  return undefined;
}

async function recordOf(
  server: BenchServer,
  tally: Tally,
  plan: readonly Stretch[],
  seed: number,
): Promise<Readonly<Record<string, unknown>>> {
  const [counts, status] = await Promise.all([server.counts(), server.status()]);
  const sorted = (values: readonly number[]) => values.toSorted((left, right) => left - right);
  const p95 = (values: readonly number[]) => sorted(values)[Math.ceil(values.length * 0.95) - 1];
  const answered = counts.requests - counts.skipped - counts.cancelled;
  return {
    model: status.model?.name,
    device: status.device?.name,
    threads: status.device?.threads,
    seed,
    loadAverage: os.loadavg()[0] ?? 0,
    repositoryTokens: status.repository?.tokensEncoded ?? 0,
    files: new Set(plan.map((stretch) => stretch.path)).size,
    requests: counts.requests,
    silent: counts.skipped,
    cancelled: counts.cancelled,
    late: counts.late,
    cacheShare: answered === 0 ? 0 : counts.fromCache / answered,
    fedPerRequest: counts.fedTokens / Math.max(1, counts.requests - counts.skipped - counts.fromCache),
    decodedTokens: counts.decodedTokens,
    decodedPerAcceptedCharacter: tally.savedCharacters === 0 ? undefined : counts.decodedTokens / tally.savedCharacters,
    suggestions: tally.firstSuggestionMs.length,
    firstSuggestionMsMedian: tally.firstSuggestionMs.length === 0 ? undefined : median(tally.firstSuggestionMs),
    firstSuggestionMsP95: p95(tally.firstSuggestionMs),
    bareDecodeMsPerToken: tally.decodeMsPerToken.length === 0 ? undefined : median(tally.decodeMsPerToken),
    tokensAfterCancel: counts.tokensAfterCancel,
    cancelToIdleMsP95: p95(counts.cancelToIdleMs),
    savedCharacters: tally.savedCharacters,
    typedCharacters: tally.typedCharacters,
  };
}
