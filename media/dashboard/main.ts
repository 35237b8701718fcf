/** The page of the dashboard: what is in the cache and what FASA saves, from measurements only. */

import '@vscode-elements/elements/dist/vscode-button/index.js';
import {
  checkToHost,
  checkToView,
  type NowView,
  type ToHost,
  type ToView,
} from '../../language-server/protocol/dashboard-page';
import { formatBytes, formatCount } from '../../language-server/protocol/format';
import { element } from '../dom';
import { type Webview, webview } from '../webview';
import { bytesPlot, speedPlot } from './plots';
import { FilesTable, RequestsTable } from './tables';

class Dashboard {
  readonly #host: Webview<ToHost, ToView>;
  readonly #about = element('p', { class: 'muted' });
  readonly #tiles = element('dl', { class: 'tiles' });
  readonly #measure: HTMLElement;
  readonly #cancel: HTMLElement;
  readonly #chooseModel: HTMLElement;
  readonly #progress = element('span', { class: 'progress', role: 'status' });
  readonly #bytes = bytesPlot();
  readonly #speeds = speedPlot();
  readonly #files = new FilesTable();
  readonly #requests = new RequestsTable();

  #isMeasuring = false;
  #lacksModel = false;

  constructor(host: Webview<ToHost, ToView>) {
    this.#host = host;
    const button = (
      words: string,
      kind: ToHost['kind'] & ('measure' | 'cancelMeasure' | 'exportJson' | 'exportSvg' | 'chooseModel'),
      secondary = true,
    ) => element('vscode-button', { secondary, on: { click: () => this.#host.send({ kind }) } }, words);
    this.#measure = button('Measure now', 'measure', false);
    this.#cancel = button('Cancel', 'cancelMeasure');
    this.#cancel.hidden = true;
    this.#chooseModel = button('Choose a model', 'chooseModel', false);
    this.#chooseModel.hidden = true;
    const actions = element(
      'div',
      { class: 'actions' },
      this.#chooseModel,
      this.#measure,
      this.#cancel,
      this.#progress,
    );
    actions.append(button('Export JSON', 'exportJson'), button('Export SVG', 'exportSvg'));
    document.body.append(
      element(
        'main',
        {},
        element('h1', {}, 'FASA Code: cache and speed'),
        this.#about,
        actions,
        this.#tiles,
        element('div', { class: 'plots' }, this.#bytes.root, this.#speeds.root),
        this.#files.root,
        this.#requests.root,
      ),
    );
    // the editor changes the classes and colours of the body with its theme
    new MutationObserver(() => {
      this.#bytes.redraw();
      this.#speeds.redraw();
    }).observe(document.body, { attributes: true, attributeFilter: ['class'] });
    host.onMessage((message) => this.#handle(message));
    host.send({ kind: 'ready' });
  }

  #handle(message: ToView): void {
    switch (message.kind) {
      case 'now':
        this.#showNow(message.now);
        break;
      case 'history':
        this.#bytes.update(message.bytes);
        this.#speeds.update(message.speeds);
        this.#requests.update(message.requests);
        break;
      case 'files':
        this.#files.update(message.files);
        break;
      case 'measuring':
        this.#isMeasuring = message.running;
        this.#showMeasure();
        this.#cancel.hidden = !message.running;
        this.#progress.classList.toggle('running', message.running);
        this.#progress.textContent = message.running
          ? 'Measuring dense and FASA decode steps…'
          : (message.problem ?? '');
        break;
    }
  }

  /** Without a model there is nothing to measure, and one button leads on. */
  #showMeasure(): void {
    this.#measure.hidden = this.#isMeasuring || this.#lacksModel;
    this.#chooseModel.hidden = !this.#lacksModel;
  }

  #showNow(now: NowView): void {
    this.#lacksModel = now.lacksModel === true;
    this.#showMeasure();
    const about = [now.state, now.model, now.device, now.attention].filter((one) => one !== undefined);
    this.#about.textContent = about.join(' · ');
    const tiles: (readonly [string, string | undefined, (string | undefined)?])[] = [
      ['In the cache', now.tokens === undefined ? undefined : `${formatCount(now.tokens)} tokens`],
      ['Dense f16 would take', bytes(now.fullBytes)],
      [
        'In memory',
        bytes(now.fastBytes),
        now.saved === undefined || now.saved <= 0 ? undefined : `${Math.floor(now.saved * 100)} % saved`,
      ],
      ['Offloaded', bytes(now.slowBytes)],
      ['On disk', bytes(now.diskBytes)],
      [
        'FASA compared to dense',
        now.speedup === undefined ? undefined : `${now.speedup.toFixed(2)} times as fast`,
        now.speedAtTokens === undefined ? undefined : `at ${formatCount(now.speedAtTokens)} tokens`,
      ],
      [
        'Fidelity',
        now.agreement === undefined ? undefined : `${Math.floor(now.agreement * 1000) / 10} % agree`,
        now.meanKl === undefined
          ? undefined
          : `KL ${now.meanKl.toFixed(4)} nats over ${formatCount(now.samples ?? 0)} steps`,
      ],
    ];
    this.#tiles.replaceChildren(
      ...tiles.map(([name, value, more]) =>
        element(
          'div',
          { class: 'tile' },
          element('dt', {}, name),
          element('dd', { class: value === undefined ? 'muted' : 'value' }, value ?? 'not measured'),
          more === undefined ? undefined : element('dd', { class: 'muted' }, more),
        ),
      ),
    );
  }
}

function bytes(value: number | undefined): string | undefined {
  return value === undefined ? undefined : formatBytes(value);
}

new Dashboard(webview(checkToHost, checkToView));
