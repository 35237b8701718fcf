/** `models list|add|info|remove`. */

import path from 'node:path';
import { modelsFolder } from '../base/cache-folder';
import { findInCatalogue } from '../models/catalogue';
import { downloadedFiles } from '../models/own-folder/downloaded';
import { removeModel } from '../models/own-folder/remove-model';
import { type CommandLine, usageError } from './arguments';
import { add } from './models/add';
import { info } from './models/info';
import { list } from './models/list';
import type { Output } from './output';

export async function models(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const [action, ...operands] = line.operands;
  if (operands.length > 1) {
    throw usageError(`models ${action ?? ''} takes one model.`);
  }
  const chosen = operands[0] ?? line.options.model;
  switch (action) {
    case 'list':
      return list(line, output, signal);
    case 'add':
      return add(line, chosen, output, signal);
    case 'info':
      return info(line, chosen, output, signal);
    case 'remove':
      return remove(line, chosen, output);
    default:
      throw usageError('models takes list, add, info or remove.');
  }
}

/** One that is in our folder: by its name in the catalogue, or by its file. */
async function remove({ options }: CommandLine, chosen: string, output: Output): Promise<void> {
  if (chosen === '') {
    throw usageError('models remove takes a name of the catalogue or a file.');
  }
  const known = findInCatalogue(chosen);
  const files =
    known === undefined
      ? [path.resolve(chosen)]
      : 'wheel' in known
        ? [path.join(modelsFolder(), known.file)]
        : await downloadedFiles(known);
  if (files.length === 0) {
    throw usageError(`The model ${chosen} is not on this machine.`);
  }
  const removed: string[] = [];
  for (const file of files) {
    removed.push(...(await removeModel(file)));
  }
  if (options.json) {
    output.json({ removed });
    return;
  }
  for (const file of removed) {
    output.message(`${file} is removed.`);
  }
}
