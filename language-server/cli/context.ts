/** `context`: what is in the context, file by file, encoded or not, and what is left out, with the reason. */

import type { ContextFile, ContextFolder } from '../protocol/server';
import { type CommandLine, usageError } from './arguments';
import { withContext } from './open-context';
import type { Output } from './output';
import { visibleLine } from './printable';

/** UTF-16 units of the column between the tokens and the path. */
const maxState = 80;

export async function context(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { options } = line;
  if (line.operands.length > 0) {
    throw usageError('context takes no operands; name folders with --repo.');
  }
  await withContext(options, output, signal, { encode: line.encode, say: false }, async (engine, service) => {
    const folders = await service.contents({}, signal);
    const disk = engine.chunks?.disk;
    if (options.json) {
      output.json({ model: engine.model.name, attention: engine.attention, reads: disk !== undefined, disk, folders });
      return;
    }
    if (disk === undefined) {
      output.message('Nothing of a repository is read: that takes FASA attention and a calibration of the model.');
      return;
    }
    for (const folder of folders) {
      output.lines(table(folder));
    }
    output.line(`${count(disk.chunks)} chunks on disk, ${(disk.bytes / 1e6).toFixed(1)} MB`);
  });
}

export function table({ uri, files, tokens, tokensEncoded, budgetTokens, ruleProblems = [] }: ContextFolder): string[] {
  const isIn = files.filter((file) => file.state !== 'left out');
  const out = files.filter((file) => file.state === 'left out');
  const lines = [
    decodeURIComponent(uri.replace(/^file:\/\//, '')),
    ...rows(['tokens', 'state', 'file'], isIn, (file) => stateOf(file)),
    `${count(isIn.length)} files, ${count(tokens)} tokens, ${count(tokensEncoded)} encoded, at most ${count(budgetTokens)}`,
    '',
  ];
  if (out.length > 0) {
    lines.push(
      ...rows(['tokens', 'left out', 'file'], out, (file) => file.reason ?? ''),
      `${count(out.length)} left out`,
      '',
    );
  }
  lines.push(...(ruleProblems.length === 0 ? [] : [...ruleProblems, '']));
  return lines;
}

function rows(
  head: readonly [string, string, string],
  files: readonly ContextFile[],
  what: (file: ContextFile) => string,
): string[] {
  const cells = files.map(
    (file) => [file.tokens === 0 ? '' : count(file.tokens), visibleLine(what(file), maxState), file.path] as const,
  );
  const width = cells.reduce((most, [, state]) => Math.max(most, state.length), head[1].length);
  return [head, ...cells].map(([tokens, state, path]) => `${tokens.padStart(8)}  ${state.padEnd(width)}  ${path}`);
}

function stateOf({ state, chunks, chunksEncoded, choice }: ContextFile): string {
  const part = state === 'encoded' || chunksEncoded === 0 ? '' : ` (${chunksEncoded} of ${chunks} chunks)`;
  return `${state === 'waiting' ? 'not encoded' : state}${part}${choice === 'include' ? ', included by you' : ''}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
