import { formatCompact, formatPercent } from '../../language-server/protocol/format';
import type { Status } from '../../language-server/protocol/server';
import type { ServerView } from '../server/life';

interface StatusText {
  /** The text with codicons. */
  readonly text: string;
  /** The same without codicons, for a screen reader. */
  readonly label: string;
  readonly severity: 'normal' | 'warning' | 'error';
}

/** The problem that every new user has first. It is expected, so it is shown as a warning and not as an error. */
const noModelCode = 'MODEL_NOT_FOUND';

/** Whether the default model has to be downloaded: it is missing, or its file has other contents. */
export function lacksModel(status: Status | undefined): boolean {
  const code = status?.problem?.code;
  return code === noModelCode || code === 'WRONG_MODEL';
}

/** The text of the status item: the state, and the figures of the cache that the status has. */
export function statusText(view: ServerView): StatusText {
  switch (view.life) {
    case 'starting':
      return view.status ? runningText(view.status) : normal('loading~spin', 'starting');
    case 'restarting':
      return { ...normal('loading~spin', 'restarting'), severity: 'warning' };
    case 'gave-up':
      return { ...normal('error', 'server stopped'), severity: 'error' };
    case 'stopped':
      return normal('circle-slash', 'off');
    case 'running':
      return view.status ? runningText(view.status) : normal('loading~spin', 'starting');
  }
}

function runningText(status: Status): StatusText {
  if (status.problem?.code === noModelCode && status.download !== undefined) {
    const { doneBytes, totalBytes } = status.download;
    const share =
      doneBytes === undefined || totalBytes === undefined ? '' : ` ${formatPercent(doneBytes / totalBytes)}`;
    return normal('loading~spin', `downloading${share}`);
  }
  if (status.problem?.code === noModelCode) {
    return { ...normal('warning', 'no model'), severity: 'warning' };
  }
  switch (status.state) {
    case 'starting':
      return normal('loading~spin', 'starting');
    case 'loading':
      return normal(
        'loading~spin',
        status.progress === undefined ? 'loading model' : `loading model ${formatPercent(status.progress)}`,
      );
    case 'encoding':
      return encodingText(status.repository);
    case 'ready':
      return status.slow ? slowText : readyText('chip', status);
    case 'busy':
      return status.slow ? slowText : readyText('loading~spin', status);
    case 'paused':
      return normal('debug-pause', 'paused');
    case 'off':
      return status.problem ? { ...normal('warning', 'off'), severity: 'warning' } : normal('circle-slash', 'off');
    case 'error':
      return { ...normal('error', 'error'), severity: 'error' };
  }
}

function encodingText(repository: Status['repository']): StatusText {
  if (!repository) {
    return normal('loading~spin', 'encoding');
  }
  const words = `${formatCompact(repository.filesEncoded)} of ${formatCompact(repository.files)} files`;
  return { ...normal('loading~spin', `encoding, ${words}`), text: `$(loading~spin) FASA ${words}` };
}

const slowText: StatusText = { ...normal('warning', 'too slow here'), severity: 'warning' };

/** A speed-up is shown only if it was measured, and is more than measuring noise. */
function readyText(icon: string, status: Status): StatusText {
  const words = cacheText(status);
  const speedup = status.speed?.speedup ?? 0;
  if (speedup < 1.05) {
    return normal(icon, words);
  }
  const times = (Math.floor(speedup * 10) / 10).toFixed(1);
  const { text } = normal(icon, `${words}, ${times}x`);
  return { ...normal(icon, `${words}, ${times} times as fast as dense`), text };
}

/** Cached tokens, and the share of memory saved where it was measured and is at least 1 %. */
function cacheText(status: Status): string {
  const cache = status.cache;
  if (!cache || cache.tokens === 0) {
    return 'ready';
  }
  const tokens = `${formatCompact(cache.tokens)} ${cache.tokens === 1 ? 'token' : 'tokens'}`;
  const saved = cache.saved ?? 0;
  return saved >= 0.01 ? `${tokens}, ${formatPercent(saved)} saved` : tokens;
}

function normal(icon: string, words: string): StatusText {
  return { text: `$(${icon}) FASA ${words}`, label: `FASA Code: ${words}`, severity: 'normal' };
}
