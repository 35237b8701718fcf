/** `complete FILE:LINE:COLUMN`: what the editor would offer there, without its time budget. */

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { EngineError } from '../base/errors';
import { languageOfFile } from '../base/languages';
import { CompletionGenerator } from '../completion/completion-generator';
import { readNamedText } from '../index/discover/read-file';
import { defaultSettings } from '../server/settings';
import { requestStatus } from '../server/status';
import { type CommandLine, parsePlace, usageError } from './arguments';
import { withContext } from './open-context';
import type { Output } from './output';

export async function complete(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const { options } = line;
  const [operand, ...more] = line.operands;
  if (operand === undefined || more.length > 0) {
    throw usageError('complete takes one FILE:LINE:COLUMN.');
  }
  const place = parsePlace(operand);
  const file = path.resolve(place.file);
  const document = TextDocument.create(pathToFileURL(file).href, '', 0, await readNamedText(file));
  if (place.line > document.lineCount) {
    throw new EngineError(
      'BAD_ARGUMENT',
      `${file} has ${document.lineCount} lines, so there is no line ${place.line}.`,
      {
        remedy: 'Give a place inside the file.',
      },
    );
  }
  const text = document.getText();
  const { completion } = defaultSettings;
  await withContext(options, output, signal, { encode: line.encode, say: true }, async (engine, context) => {
    const { uri } = document;
    const at = context.folders.place(uri);
    if ((await context.folders.gate.whyKeptOut({ uris: [uri], text }, signal)) !== undefined) {
      throw new EngineError('BAD_ARGUMENT', `${file} looks like a secret, so the model does not read it.`, {
        remedy: 'If it is none, include it in the context in the editor.',
      });
    }
    const started = performance.now();
    const outcome = await new CompletionGenerator().generate(engine, {
      uri: document.uri,
      path: at.path,
      languageId: languageOfFile(at.path)?.id ?? '',
      text,
      offset: document.offsetAt({ line: place.line - 1, character: place.column - 1 }),
      settings: completion,
      timeBudgetMs: 0,
      signal,
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      chunksFor: (around) => context.chunksFor(at, around),
    });
    if (!options.json) {
      output.result(outcome.text === '' ? '' : `${outcome.text}\n`);
      return;
    }
    output.json({
      text: outcome.text,
      file,
      line: place.line,
      column: place.column,
      model: engine.model.name,
      attention: engine.attention,
      threads: engine.device.threads,
      prompt: outcome.prompt,
      repository: context.status,
      cache: engine.usage('inline'),
      ...(outcome.generation === undefined
        ? {}
        : {
            reason: outcome.generation.reason,
            stats: { ...requestStatus('inline', outcome.generation), ...outcome.generation.stats },
          }),
      totalMs: performance.now() - started,
    });
  });
}
