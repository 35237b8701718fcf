/** `models info`: what is in a model file, here or on the hub, and whether it fits this machine. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import { findCalibration } from '../../engine/calibration/calibration';
import { displayName } from '../../engine/display-name';
import { readHeaderOfFile } from '../../engine/gguf/header';
import { memoryAvailable } from '../../engine/memory';
import type { NativeModelInfo } from '../../engine/native/addon';
import { inspectModel } from '../../engine/native/inspect';
import { loadAddon } from '../../engine/native/load-addon';
import { chooseContextTokens, maxDefaultContext } from '../../engine/native/native-engine';
import { findInCatalogue } from '../../models/catalogue';
import { fitOf } from '../../models/fit';
import { lookAtModel } from '../../models/hub/look';
import { type HubReference, parseReference } from '../../models/hub/reference';
import { downloadedFiles } from '../../models/own-folder/downloaded';
import { formatBytes } from '../../protocol/format';
import { describeFit } from '../../protocol/model-texts';
import type { CommandLine } from '../arguments';
import { findModel } from '../open-engine';
import type { Output } from '../output';
import { hubOf, onWaitOf } from './hub-line';

type Rows = (readonly [name: string, value: string])[];

export async function info(line: CommandLine, chosen: string, output: Output, signal: AbortSignal): Promise<void> {
  const reference = chosen === '' ? undefined : await remoteReference(chosen, line);
  return reference === undefined
    ? infoOfFile(line, chosen, output, signal)
    : infoOfHub(line, reference, output, signal);
}

/** undefined for what is on this machine. */
async function remoteReference(chosen: string, line: CommandLine): Promise<HubReference | undefined> {
  if ((await stat(path.resolve(chosen)).catch(() => undefined)) !== undefined) {
    return undefined;
  }
  const known = findInCatalogue(chosen);
  if (known !== undefined && 'hub' in known && (await downloadedFiles(known)).length > 0) {
    return undefined;
  }
  const reference = parseReference(chosen, hubOf(line).endpoint);
  return reference?.kind === 'hub' ? reference : undefined;
}

async function infoOfFile(
  { options }: CommandLine,
  chosen: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const file = await findModel(chosen, output, signal);
  const model = inspectModel(loadAddon(), file);
  const { header } = await readHeaderOfFile(file);
  const contextTokens = chooseContextTokens(model, options.contextTokens);
  // what is asked for is asked for, also beyond what it was trained for
  const fit = fitOf({ ...model, trainedContext: undefined }, { host: memoryAvailable() }, contextTokens);
  const calibrated = (await findCalibration(model)) !== undefined;
  const name = displayName(header, file);
  if (options.json) {
    const { chatTemplate, ...rest } = model;
    output.json({
      ...rest,
      displayName: name,
      hasChatTemplate: chatTemplate !== undefined,
      contextTokens,
      memoryNeeded: fit.kind === 'fits' ? fit.hostBytes : undefined,
      memoryAvailable: fit.hostAvailable,
      fits: fit.kind === 'fits',
      fit,
      calibrated,
    });
    return;
  }
  print(output, [...describe(model, name, calibrated), ['memory', describeFit(fit)]]);
}

function describe(model: NativeModelInfo, name: string, calibrated: boolean): Rows {
  const fim = model.tokens.fimMiddle !== undefined;
  return [
    ['name', name],
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

/** Nothing is fetched. */
async function infoOfHub(
  line: CommandLine,
  reference: HubReference,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const attempts = { hub: hubOf(line), signal, onWait: onWaitOf(output) };
  const contextTokens = line.options.contextTokens > 0 ? line.options.contextTokens : maxDefaultContext;
  const model = await lookAtModel(reference, attempts, { host: memoryAvailable() }, contextTokens);
  if (line.options.json) {
    output.json(model);
    return;
  }
  const { name, repository, files, bytes, architecture, trainedContext, kvBytesPerToken, support, fit, choices } =
    model;
  const list = (some: typeof choices) => some.map((file) => `${file.path} (${formatBytes(file.bytes)})`).join(', ');
  print(output, [
    ['name', name],
    ['repository', `${repository}, ${list(files)}; not fetched`],
    ['architecture', support.supported ? `${architecture}, supported` : `It ${support.reason}.`],
    ['size', formatBytes(bytes)],
    ['trained for', trainedContext === undefined ? 'not said' : `${trainedContext} tokens`],
    ['KV', kvBytesPerToken === undefined ? 'not said' : `${formatBytes(kvBytesPerToken)} a token as f16`],
    ['memory', fit === undefined ? 'known when it is fetched' : describeFit(fit)],
    ['files', list(choices)],
  ]);
}

function print(output: Output, rows: Rows): void {
  for (const [name, value] of rows) {
    output.line(`${name.padEnd(14)}${value}`);
  }
}
