/** `ask QUESTION`: an answer about the repository, streamed. */

import { pathToFileURL } from 'node:url';
import { Chat } from '../chat/ask';
import { requestStatus } from '../status';
import { Workspace } from '../workspace';
import { type CommandLine, usageError } from './arguments';
import { withEngine } from './open-engine';
import type { Output } from './output';

export async function ask({ operands, options }: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const question = operands.join(' ').trim();
  if (question === '') {
    throw usageError('ask takes a question.');
  }
  const workspace = new Workspace();
  workspace.addFolder(pathToFileURL(options.repo).href);
  await withEngine(options, output, signal, async (engine) => {
    const { generation, size } = await new Chat(workspace).ask(engine, {
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
      return;
    }
    output.json({
      text: generation.text,
      citations: [],
      size,
      model: engine.model.name,
      attention: engine.attention,
      threads: engine.device.threads,
      repository: workspace.status,
      cache: engine.usage('chat'),
      reason: generation.reason,
      stats: { ...requestStatus('chat', generation), ...generation.stats },
    });
  });
}
