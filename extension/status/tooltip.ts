import { formatBytes, formatCompact, formatMs, formatPercent } from '../../language-server/protocol/format';
import type { Status } from '../../language-server/protocol/server';
import type { CommandId } from '../command-ids';
import type { ServerView } from '../server/life';
import { lacksModel, statusText } from './text';

/** The commands that links in the tooltip may run. */
export const tooltipCommands: readonly CommandId[] = [
  'fasa.pause',
  'fasa.resume',
  'fasa.restartServer',
  'fasa.showLogs',
  'fasa.openSettings',
  'fasa.chooseModel',
  'fasa.downloadDefaultModel',
  'fasa.shortenTail',
  'fasa.showContext',
];

/** @returns Markdown with the problem, if any, the figures that the status has, and links for actions */
export function statusTooltip(view: ServerView): string {
  const parts = [`**${plainMarkdown(statusText(view).label)}**`];
  const problem = view.status?.problem;
  if (problem) {
    parts.push(`${plainMarkdown(problem.message)}\n\n${plainMarkdown(problem.remedy)}`);
  } else if (view.status?.slow) {
    parts.push(`${plainMarkdown(view.status.slow.message)}\n\n${plainMarkdown(view.status.slow.remedy)}`);
  } else if (view.life === 'gave-up') {
    parts.push('The language server exited several times in a row\\. See its log for the reason\\.');
  }
  if (view.status?.download) {
    const { name, step, doneBytes, totalBytes } = view.status.download;
    const share =
      doneBytes === undefined || totalBytes === undefined ? '' : `, ${formatPercent(doneBytes / totalBytes)}`;
    parts.push(`Downloading ${plainMarkdown(name, 60)}${share}: ${plainMarkdown(step)}`);
  }
  const rows = view.status ? figureRows(view.status) : [];
  if (rows.length > 0) {
    parts.push(['| | |', '|:--|:--|', ...rows.map(([name, figures]) => `| ${name} | ${figures} |`)].join('\n'));
  }
  parts.push('---', actionLinks(view).join(' &nbsp; '));
  return parts.join('\n\n');
}

/** Rows of a name and a figure. The name is only in the first row of its figures. */
function figureRows(status: Status): [string, string][] {
  const rows: [string, string][] = [];
  const add = (name: string, ...figures: (string | undefined)[]) => {
    for (const [index, figure] of figures.filter((one) => one !== undefined).entries()) {
      rows.push([index === 0 ? name : '', figure]);
    }
  };
  const { model, cache, attention, speed, fidelity, lastRequest, device } = status;
  if (model) {
    add(
      'Model',
      plainMarkdown(model.name, 60),
      plainMarkdown(
        `${model.architecture}, ${formatCompact(model.parameters)} parameters, ${model.quantization}, ${formatBytes(model.bytes)}`,
      ),
    );
  }
  if (status.repository) {
    add('Repository', ...repositoryFigures(status.repository));
  }
  if (cache) {
    add('Cache', `${formatCompact(cache.tokens)} of ${formatCompact(cache.contextTokens)} tokens`, cacheBytes(cache));
  }
  if (attention) {
    add('Attention', attentionFigures(attention));
  }
  if (speed) {
    add(
      'Measured',
      `${speed.fasaMsPerToken.toFixed(1)} ms per token with FASA, ${speed.denseMsPerToken.toFixed(1)} ms dense`,
      `${speed.speedup.toFixed(1)} times as fast with ${formatCompact(speed.atTokens)} cached tokens`,
    );
  }
  if (fidelity) {
    add(
      speed ? '' : 'Measured',
      `${formatPercent(fidelity.agreement)} of ${formatCompact(fidelity.samples)} tokens are the same as with dense attention`,
      `mean KL divergence ${fidelity.meanKl.toFixed(4)} nats`,
    );
  }
  if (lastRequest && lastRequest.tokens > 0) {
    add(
      'Request',
      `first token after ${formatMs(lastRequest.firstTokenMs)}`,
      requestTokens(lastRequest),
      `${formatCompact(lastRequest.reusedTokens)} tokens reused, ${formatCompact(lastRequest.fedTokens)} prefilled`,
      lastRequest.bytesReadPerToken > 0
        ? `${formatBytes(lastRequest.bytesReadPerToken)} of the cache read per token`
        : undefined,
    );
  }
  if (device) {
    add(
      'Memory',
      `${formatBytes(device.memoryUsed)} used by the server`,
      `${formatBytes(device.memoryFree)} free on this machine`,
    );
    add(
      'Device',
      `${plainMarkdown(device.name, 60)}, ${device.threads} ${device.threads === 1 ? 'thread' : 'threads'}`,
    );
  }
  return rows;
}

/** What is in the context, what is being encoded, and what is left out and why. */
function repositoryFigures(repository: NonNullable<Status['repository']>): (string | undefined)[] {
  const { files, filesEncoded, tokens, tokensEncoded, encoding, paused, diskBytes } = repository;
  const all = tokensEncoded === tokens;
  const left = encoding?.secondsLeft === undefined ? '' : `, ${encoding.secondsLeft} s left`;
  const reasons = Object.entries(repository.leftOut).map(([reason, count]) => `${formatCompact(count)} ${reason}`);
  return [
    all
      ? `${formatCompact(tokens)} tokens of ${formatCompact(files)} files in the context`
      : `${formatCompact(tokensEncoded)} of ${formatCompact(tokens)} tokens, ${formatCompact(filesEncoded)} of ${formatCompact(files)} files in the context`,
    encoding && `encoding, ${formatCompact(encoding.filesDone)} of ${formatCompact(encoding.files)} files done${left}`,
    paused === 'battery' ? 'encoding is paused while the machine runs on battery' : undefined,
    reasons.length > 0 ? plainMarkdown(`left out: ${reasons.join(', ')}`) : undefined,
    diskBytes === undefined || diskBytes === 0 ? undefined : `${formatBytes(diskBytes)} on disk, of all repositories`,
  ];
}

/** The speed counts the tokens after the first one. */
function requestTokens({ tokens, tokensPerSecond }: NonNullable<Status['lastRequest']>): string {
  return tokens === 1 ? '1 token' : `${formatCompact(tokens)} tokens, ${tokensPerSecond.toFixed(1)} per second`;
}

function cacheBytes(cache: NonNullable<Status['cache']>): string | undefined {
  if (cache.tokens === 0) {
    return undefined;
  }
  const saved = cache.saved !== undefined && cache.saved >= 0.01 ? `, ${formatPercent(cache.saved)} saved` : '';
  return `${formatBytes(cache.fastBytes)} in memory (dense f16: ${formatBytes(cache.fullBytes)}${saved})`;
}

function attentionFigures(attention: NonNullable<Status['attention']>): string {
  switch (attention.mode) {
    case 'dense':
      return 'dense';
    case 'auto':
      return attention.calibrated
        ? `auto: FASA with ${formatCompact(attention.budget)} tokens in a long context`
        : attention.calibrating === undefined
          ? 'auto: dense, as this model has no calibration'
          : `auto: dense until this model is calibrated (${formatPercent(attention.calibrating)})`;
    default:
      return `${attention.mode.toUpperCase()} with ${formatCompact(attention.budget)} tokens`;
  }
}

function actionLinks(view: ServerView): string[] {
  // A non-breaking space keeps an icon and its label on one line.
  const link = (icon: string, words: string, command: CommandId) =>
    `[$(${icon})&nbsp;${words.replaceAll(' ', '&nbsp;')}](command:${command})`;
  const links: string[] = [];
  if (lacksModel(view.status)) {
    links.push(
      link('chip', 'Choose model', 'fasa.chooseModel'),
      link('cloud-download', 'Download default model', 'fasa.downloadDefaultModel'),
    );
  } else if (view.status?.state === 'paused') {
    links.push(link('play', 'Resume', 'fasa.resume'));
  } else if (view.status?.slow) {
    links.push(link('chip', 'Choose smaller model', 'fasa.chooseModel'), link('fold', 'Read less', 'fasa.shortenTail'));
  } else if (view.life === 'running' && !view.status?.problem) {
    links.push(link('debug-pause', 'Pause', 'fasa.pause'));
  }
  if (view.status?.repository) {
    links.push(link('list-tree', 'Context', 'fasa.showContext'));
  }
  links.push(
    link('refresh', 'Restart', 'fasa.restartServer'),
    link('output', 'Logs', 'fasa.showLogs'),
    link('gear', 'Settings', 'fasa.openSettings'),
  );
  return links;
}

/**
 * Escapes text from outside, such as the name of a model or a path in an error, so that Markdown shows it as it is: on one
 * line, without markup, links, codicons or table cells.
 */
export function plainMarkdown(text: string, maxLength = 200): string {
  const line = text.replace(/\s+/g, ' ').trim();
  const cut = line.length > maxLength ? `${line.slice(0, maxLength - 1)}…` : line;
  return cut.replace(/[\\`*_{}[\]()#+\-.!|<>~$&:@]/g, '\\$&');
}
