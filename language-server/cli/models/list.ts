/** `models list`: what is on this machine and what can be fetched. */

import { modelsFolder } from '../../base/cache-folder';
import { memoryAvailable } from '../../engine/memory';
import { maxDefaultContext } from '../../engine/native/native-engine';
import { catalogueProblems } from '../../models/catalogue';
import { listModels } from '../../models/model-list';
import { formatBytes } from '../../protocol/format';
import { describeFit, storeTitles } from '../../protocol/model-texts';
import type { ListedModel } from '../../protocol/models';
import type { CommandLine } from '../arguments';
import type { Output } from '../output';

export async function list({ options, folders }: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  const models = await listModels({
    machine: { folders },
    memory: { host: memoryAvailable() },
    contextTokens: options.contextTokens > 0 ? options.contextTokens : maxDefaultContext,
    signal,
    onProgress: (share) => output.progress('Checking the default model', share),
  });
  output.progressDone();
  if (options.json) {
    output.json({ folder: modelsFolder(), models });
    return;
  }
  for (const problem of catalogueProblems) {
    output.message(`The catalogue is damaged: ${problem}.`);
  }
  const here = models.filter(({ store }) => store !== undefined);
  output.line(here.length === 0 ? 'On this machine: none' : 'On this machine');
  for (const model of here) {
    output.line(`  ${model.begunBytes === undefined ? describeHere(model) : describeBegun(model)}`);
  }
  output.line('To fetch with "fasa-code models add NAME", or OWNER/REPOSITORY of the hub');
  const others = models.filter(({ store }) => store === undefined);
  const width = Math.max(0, ...others.map(({ id }) => id.length));
  for (const model of others) {
    output.line(`  ${model.id.padEnd(width)}  ${describeFetchable(model)}`);
  }
}

function describeBegun({ id, name, begunBytes = 0 }: ListedModel): string {
  return `${name}  ${formatBytes(begunBytes)} are here of a download; "fasa-code models add ${id}" goes on with it`;
}

function describeHere({ name, bytes = 0, store, file, storeName, support, fit, best, catalogue }: ListedModel): string {
  const place = store === undefined ? '' : storeTitles[store];
  const short = catalogue === undefined ? '' : ` (${catalogue.name})`;
  const state = support.supported ? (fit === undefined ? 'can be used' : describeFit(fit)) : support.reason;
  const mark = best ? 'best fit, ' : '';
  return `${name}${short}  ${formatBytes(bytes)}  ${place}  ${mark}${state}  ${file ?? storeName ?? ''}`;
}

function describeFetchable({ name, support, catalogue }: ListedModel): string {
  const use = { inline: 'suggestions', chat: 'chat', both: 'suggestions and chat' }[catalogue?.use ?? 'both'];
  const not = support.supported ? '' : ` It ${support.reason}.`;
  return `${name}  ${catalogue?.license ?? ''}  ${use}. ${catalogue?.note ?? ''}${not}`;
}
