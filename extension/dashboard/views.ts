/** Converts the server's records to what the dashboard shows, each value cut to its limit. */

import { cutMiddle } from '../../language-server/protocol/cut';
import type { FilesView, NowView } from '../../language-server/protocol/dashboard-page';
import { limits } from '../../language-server/protocol/limits';
import type { ContextResult, Status } from '../../language-server/protocol/server';
import { downloadLine } from '../models/rows';
import { lacksModel } from '../status/text';

/** The list is cut to the limit; the counts include all files. */
export function filesOf(folders: ContextResult['folders']): FilesView {
  const all = folders.flatMap((folder) => folder.files.map((file) => ({ folder: folder.name, ...file })));
  const sum = (pick: (folder: ContextResult['folders'][number]) => number) =>
    folders.reduce((total, folder) => total + pick(folder), 0);
  return {
    list: all.slice(0, limits.files).map(({ folder, path, tokens, state, chunks, chunksEncoded, reason }) => ({
      path: cutMiddle(folders.length > 1 ? `${folder}/${path}` : path, limits.label),
      tokens,
      state,
      encoded: chunks > 0 ? chunksEncoded / chunks : 0,
      ...(reason === undefined ? {} : { reason: cutMiddle(reason, limits.label) }),
    })),
    files: all.length,
    tokens: sum(({ tokens }) => tokens),
    tokensEncoded: sum(({ tokensEncoded }) => tokensEncoded),
    budgetTokens: sum(({ budgetTokens }) => budgetTokens),
  };
}

/** Figures that were not measured are absent. */
export function nowOf(status: Status | undefined): NowView {
  if (status === undefined) {
    return { state: 'The language server is not running' };
  }
  const { model, device, attention, cache, repository, speed, fidelity } = status;
  return {
    state: cutMiddle(
      status.download && lacksModel(status) ? downloadLine(status.download) : (status.problem?.message ?? status.state),
      limits.problem,
    ),
    ...(lacksModel(status) ? { lacksModel: true } : {}),
    ...(model ? { model: cutMiddle(`${model.name} ${model.quantization}`, limits.label) } : {}),
    ...(device ? { device: deviceWords(device) } : {}),
    ...(attention
      ? {
          attention: `attention ${attention.mode}, budget ${attention.budget}${attention.calibrated ? '' : ', not calibrated'}`,
        }
      : {}),
    ...(cache && cache.tokens > 0
      ? { tokens: cache.tokens, fullBytes: cache.fullBytes, fastBytes: cache.fastBytes, slowBytes: cache.slowBytes }
      : {}),
    ...(cache?.saved === undefined ? {} : { saved: cache.saved }),
    ...(repository?.diskBytes === undefined ? {} : { diskBytes: repository.diskBytes }),
    ...(speed ? { speedup: speed.speedup, speedAtTokens: speed.atTokens } : {}),
    ...(fidelity && fidelity.samples > 0
      ? { meanKl: fidelity.meanKl, agreement: fidelity.agreement, samples: fidelity.samples }
      : {}),
  };
}

function deviceWords({ name, threads }: NonNullable<Status['device']>): string {
  return `${cutMiddle(name, limits.name)}, ${threads === 1 ? '1 thread' : `${threads} threads`}`;
}
