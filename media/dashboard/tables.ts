/** The tables of the files in the context and of the last requests. */

import type { FilesView, FileView, RequestView } from '../../language-server/protocol/dashboard-page';
import { formatBytes, formatCount, formatMs } from '../../language-server/protocol/format';
import { element } from '../dom';

const maxRows = 500;

export class FilesTable {
  readonly root = element('section', { class: 'card' });
  readonly #about = element('p', { class: 'muted' });
  readonly #filter = element('input', {
    type: 'search',
    class: 'search',
    placeholder: 'Filter by path or state',
    'aria-label': 'Filter files',
  });
  readonly #body = element('tbody');
  readonly #frame: HTMLElement;
  #files: FilesView | undefined;

  constructor() {
    const head = element(
      'tr',
      {},
      header('File'),
      header('Tokens', 'number'),
      header('State'),
      header('Encoded', 'number'),
    );
    const table = element('table', {}, element('thead', {}, head), this.#body);
    this.#frame = element('div', { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': 'Files' }, table);
    this.root.append(element('h2', {}, 'Files in the context'), this.#about, this.#filter, this.#frame);
    this.#filter.addEventListener('input', () => this.#show());
    this.update(undefined);
  }

  update(files: FilesView | undefined): void {
    this.#files = files;
    const none = files === undefined || files.list.length === 0;
    this.#filter.hidden = none;
    this.#frame.hidden = none;
    this.#about.textContent =
      files === undefined || none
        ? 'No files of a repository are in the context.'
        : `${formatCount(files.tokensEncoded)} of ${formatCount(files.tokens)} tokens are encoded. The limit is ${formatCount(files.budgetTokens)}.`;
    this.#show();
  }

  #show(): void {
    const words = this.#filter.value.toLowerCase();
    const all = this.#files?.list ?? [];
    const found = all.filter(({ path, state, reason }) =>
      `${path} ${state} ${reason ?? ''}`.toLowerCase().includes(words),
    );
    const max = Math.max(1, ...found.map(({ tokens }) => tokens));
    this.#body.replaceChildren(...found.slice(0, maxRows).map((file) => fileRow(file, max)));
    const hidden = Math.max(0, found.length - maxRows) + Math.max(0, (this.#files?.files ?? 0) - all.length);
    if (hidden > 0) {
      this.#body.append(
        element('tr', {}, element('td', { colspan: '4', class: 'muted' }, `and ${formatCount(hidden)} more`)),
      );
    }
  }
}

function fileRow({ path, tokens, state, encoded, reason }: FileView, max: number): HTMLElement {
  const bar = element('span', { class: `bar ${state.replace(' ', '-')}`, 'aria-hidden': 'true' });
  bar.style.setProperty('--share', String(tokens / max));
  return element(
    'tr',
    {},
    element('th', { scope: 'row', class: 'path' }, path, bar),
    element('td', { class: 'number' }, tokens > 0 ? formatCount(tokens) : ''),
    element('td', {}, reason === undefined ? state : `${state}: ${reason}`),
    element('td', { class: 'number' }, state === 'left out' ? '' : `${Math.floor(encoded * 100)} %`),
  );
}

export class RequestsTable {
  readonly root = element('section', { class: 'card' });
  readonly #none = element('p', { class: 'muted' }, 'There have been no requests since the window opened.');
  readonly #body = element('tbody');
  readonly #frame: HTMLElement;

  constructor() {
    const names = [
      'When',
      'Kind',
      'Queue',
      'Prefill',
      'First token',
      'Decode',
      'Tokens',
      'Per second',
      'Prefilled',
      'Reused',
      'Read per token',
    ];
    const head = element('tr', {}, ...names.map((name, index) => header(name, index > 1 ? 'number' : '')));
    const table = element('table', {}, element('thead', {}, head), this.#body);
    this.#frame = element(
      'div',
      { class: 'table-frame', tabindex: '0', role: 'region', 'aria-label': 'Last requests' },
      table,
    );
    this.root.append(element('h2', {}, 'Last requests'), this.#none, this.#frame);
    this.update([]);
  }

  update(requests: readonly RequestView[]): void {
    this.#none.hidden = requests.length > 0;
    this.#frame.hidden = requests.length === 0;
    this.#body.replaceChildren(...requests.map((request) => requestRow(request)).reverse());
  }
}

function requestRow(request: RequestView): HTMLElement {
  const ms = (value: number | undefined) => (value === undefined ? '' : formatMs(value));
  const figures = [
    ms(request.queueMs),
    ms(request.feedMs),
    ms(request.firstTokenMs),
    ms(request.decodeMs),
    formatCount(request.tokens),
    request.tokensPerSecond > 0 ? request.tokensPerSecond.toFixed(1) : '',
    formatCount(request.fedTokens),
    formatCount(request.reusedTokens),
    request.bytesReadPerToken > 0 ? formatBytes(request.bytesReadPerToken) : '',
  ];
  return element(
    'tr',
    {},
    element('th', { scope: 'row' }, new Date(request.at).toLocaleTimeString()),
    element('td', {}, request.kind === 'chat' ? 'chat' : 'completion'),
    ...figures.map((figure) => element('td', { class: 'number' }, figure)),
  );
}

function header(name: string, kind = ''): HTMLElement {
  return element('th', { scope: 'col', class: kind }, name);
}
