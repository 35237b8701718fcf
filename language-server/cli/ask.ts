/** `ask QUESTION`: an answer about the repository, streamed. */

import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Chat } from '../chat/ask';
import type { Citation } from '../protocol/server';
import { requestStatus } from '../server/status';
import { type CommandLine, usageError } from './arguments';
import { withContext } from './open-context';
import type { Output } from './output';

export async function ask(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { operands, options } = line;
  const question = operands.join(' ').trim();
  if (question === '') {
    throw usageError('ask takes a question.');
  }
  await withContext(options, output, signal, { encode: line.encode, say: true }, async (engine, context) => {
    const chat = new Chat(context.folders, (uris, text) => context.chunksForQuestion(uris, text));
    const { generation, size, citations } = await chat.ask(engine, {
      conversation: '',
      question,
      references: [],
      signal,
      openText: () => undefined,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      onProgress: (share) => output.progress('Reading', share),
      onText: (delta) => {
        if (!options.json) {
          output.result(delta);
        }
      },
    });
    output.progressDone();
    if (!options.json) {
      output.result('\n');
      sayCitations(citations, options.repo, output);
      return;
    }
    output.json({
      text: generation.text,
      citations,
      size,
      model: engine.model.name,
      attention: engine.attention,
      threads: engine.device.threads,
      repository: context.status,
      cache: engine.usage('chat'),
      reason: generation.reason,
      stats: { ...requestStatus('chat', generation), ...generation.stats },
    });
  });
}

/** `src/a.ts:10-14  12.3 %`, best first. */
function sayCitations(citations: readonly Citation[], repo: string, output: Output): void {
  if (citations.length === 0) {
    return;
  }
  output.lines(['', 'Sources:']);
  for (const { uri, range, share } of citations) {
    const file = path.relative(repo, fileURLToPath(uri)).split(path.sep).join('/');
    const [first, last] = [range.start.line + 1, range.end.line];
    output.line(`  ${file}:${first}${last > first ? `-${last}` : ''}  ${(100 * share).toFixed(1)} %`);
  }
}
