/** `models list|add|info`. */

import path from 'node:path';
import type { NativeModelInfo } from '../engine/addon';
import { findCalibration } from '../engine/calibration';
import { inspectModel } from '../engine/inspect';
import { loadAddon } from '../engine/load-addon';
import { memoryAvailable, memoryNeeded } from '../engine/memory';
import { chooseContextTokens } from '../engine/native-engine';
import { modelsFolder } from '../models/cache-folder';
import { catalogue, findInCatalogue } from '../models/catalogue';
import { fetchModel } from '../models/fetch-model';
import { resolveModel } from '../models/resolve-model';
import { stateOfModel } from '../models/verified';
import { formatBytes } from '../protocol/format';
import { type CommandLine, usageError } from './arguments';
import { findModel } from './open-engine';
import type { Output } from './output';

export async function models(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const [action, ...operands] = line.operands;
  if (operands.length > 1) {
    throw usageError(`models ${action ?? ''} takes one model.`);
  }
  switch (action) {
    case 'list':
      return list(line, output, signal);
    case 'add':
      return add(line, operands[0] ?? line.options.model, output, signal);
    case 'info':
      return info(line, operands[0] ?? line.options.model, output, signal);
    default:
      throw usageError('models takes list, add or info.');
  }
}

/** A file counts as here when it is the very model; one that nobody looked through yet is looked through now. */
async function list({ options }: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const rows = await Promise.all(
    catalogue
      .filter((model) => 'wheel' in model)
      .map(async (model) => {
        const file = path.join(modelsFolder(), model.file);
        const { name, title, bytes, license } = model;
        const onProgress = (share: number) => output.progress(`Checking ${title}`, share);
        const state = await stateOfModel(file, model, { signal, onProgress });
        const problem = state.kind === 'wrong' ? { problem: state.what } : {};
        return { name, title, bytes, license, file, here: state.kind === 'here', ...problem };
      }),
  );
  output.progressDone();
  if (options.json) {
    output.json({ folder: modelsFolder(), models: rows });
    return;
  }
  for (const row of rows) {
    const add = `"fasa-code models add ${row.name}"`;
    const missing =
      row.problem === undefined
        ? `not here; get it with ${add}`
        : `not here: ${row.file} ${row.problem}; replace it with ${add}`;
    const state = row.here ? row.file : missing;
    output.line(`${row.name}  ${row.title}  ${formatBytes(row.bytes)}  ${row.license}  ${state}`);
  }
}

/** A name of the catalogue is fetched; a file of the user's is checked and stays where it is. */
async function add({ options }: CommandLine, chosen: string, output: Output, signal: AbortSignal): Promise<void> {
  const known = findInCatalogue(chosen === '' ? 'default' : chosen);
  if (known === undefined || 'hub' in known) {
    const file = await resolveModel(chosen, true);
    const model = inspectModel(loadAddon(), file);
    if (options.json) {
      output.json({ file, added: false, model: model.name });
    } else {
      output.message(`${model.name} can be used: --model ${file}, FASA_MODEL, or the setting fasa.modelPath.`);
    }
    return;
  }
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

async function info({ options }: CommandLine, chosen: string, output: Output, signal: AbortSignal): Promise<void> {
  const file = await findModel(chosen, output, signal);
  const model = inspectModel(loadAddon(), file);
  const contextTokens = chooseContextTokens(model, options.contextTokens);
  const needed = memoryNeeded(model, contextTokens);
  const available = memoryAvailable();
  const calibrated = (await findCalibration(model)) !== undefined;
  if (options.json) {
    const { chatTemplate, ...rest } = model;
    output.json({
      ...rest,
      hasChatTemplate: chatTemplate !== undefined,
      contextTokens,
      memoryNeeded: needed,
      memoryAvailable: available,
      fits: needed <= available,
      calibrated,
    });
    return;
  }
  const rows = describe(model, calibrated);
  rows.push(
    ['memory', `about ${formatBytes(needed)} with ${contextTokens} context tokens; ${formatBytes(available)} are free`],
    ['fits', needed <= available ? 'yes' : 'no'],
  );
  for (const [name, value] of rows) {
    output.line(`${name.padEnd(14)}${value}`);
  }
}

function describe(model: NativeModelInfo, calibrated: boolean): [string, string][] {
  const fim = model.tokens.fimMiddle !== undefined;
  return [
    ['name', model.name],
    ['file', `${model.path} (${formatBytes(model.bytes)})`],
    ['architecture', `${model.architecture}, ${model.layers} layers, ${model.ropeLayout} RoPE`],
    ['heads', `${model.heads} query, ${model.kvHeads} KV, of ${model.headSize}`],
    ['parameters', `${(model.parameters / 1e6).toFixed(0)} million, ${model.quantization}`],
    ['trained for', `${model.trainedContext} tokens`],
    ['KV', `${formatBytes(model.kvBytesPerToken)} a token as f16`],
    ['middle', fim ? 'uses the code after the cursor (fill-in-the-middle)' : 'uses the code before the cursor only'],
    ['chat template', model.chatTemplate === undefined ? 'none' : 'yes'],
    ['calibration', calibrated ? 'yes' : 'none; FASA needs "fasa-code calibrate"'],
    ['fingerprint', model.fingerprint],
  ];
}
