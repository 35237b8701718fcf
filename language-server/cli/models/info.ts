/** `models info`: what is in a model file, here or on the hub, and whether it fits this machine. */

import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { NativeModelInfo } from '../../engine/addon';
import { findCalibration } from '../../engine/calibration';
import { inspectModel } from '../../engine/inspect';
import { loadAddon } from '../../engine/load-addon';
import { memoryAvailable } from '../../engine/memory';
import { chooseContextTokens, maxDefaultContext } from '../../engine/native-engine';
import { findInCatalogue } from '../../models/catalogue';
import { displayName } from '../../models/display-name';
import { downloadedFiles } from '../../models/downloaded';
import { describeFit, fitOf } from '../../models/fit';
import { type ModelHeader, readHeaderOfFile } from '../../models/gguf/header';
import { supportOf } from '../../models/gguf/support';
import { type HubReference, parseReference } from '../../models/hub/reference';
import { readRemoteHeader } from '../../models/hub/remote-header';
import { chooseFiles, fileUrl, listModelFiles } from '../../models/hub/repository';
import { formatBytes } from '../../protocol/format';
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

/** Its listing and the first bytes of the file: nothing is fetched. */
async function infoOfHub(
  line: CommandLine,
  reference: HubReference,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const attempts = { hub: hubOf(line), signal, onWait: onWaitOf(output) };
  const files = await listModelFiles(reference, attempts);
  const chosen = chooseFiles(reference, files);
  const [first] = chosen;
  const bytes = chosen.reduce((sum, part) => sum + part.bytes, 0);
  const header = await readRemoteHeader(fileUrl(reference, first, attempts.hub.endpoint), first.path, attempts);
  // of a split model that is fetched whole, the first part tells about all
  const whole: ModelHeader = { ...header, split: undefined };
  const support = supportOf(chosen.length > 1 ? whole : header);
  const name = displayName(header, path.posix.basename(first.path), reference.known?.title);
  const { kvBytesPerToken, trainedContext, architecture } = header;
  const wanted = line.options.contextTokens > 0 ? line.options.contextTokens : maxDefaultContext;
  const fit =
    kvBytesPerToken === undefined
      ? undefined
      : fitOf({ bytes, kvBytesPerToken, trainedContext }, { host: memoryAvailable() }, wanted);
  if (line.options.json) {
    const { repository, revision } = reference;
    output.json({
      repository,
      revision,
      name,
      bytes,
      files: chosen,
      architecture,
      trainedContext,
      kvBytesPerToken,
      support,
      fit,
    });
    return;
  }
  print(output, [
    ['name', name],
    ['repository', `${reference.repository}, ${first.path} (${formatBytes(bytes)}); not fetched`],
    ['architecture', support.supported ? `${architecture}, supported` : `It ${support.reason}.`],
    ['trained for', trainedContext === undefined ? 'not said' : `${trainedContext} tokens`],
    ['KV', kvBytesPerToken === undefined ? 'not said' : `${formatBytes(kvBytesPerToken)} a token as f16`],
    ['memory', fit === undefined ? 'known when it is fetched' : describeFit(fit)],
    ['files', files.map((file) => `${file.path} (${formatBytes(file.bytes)})`).join(', ')],
  ]);
}

function print(output: Output, rows: Rows): void {
  for (const [name, value] of rows) {
    output.line(`${name.padEnd(14)}${value}`);
  }
}
