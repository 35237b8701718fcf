/** The page of the chat panel: shows the messages of its host, and sends what the user does. */

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import {
  checkToHost,
  checkToView,
  type ToHost,
  type ToView,
  type TurnView,
} from '../../language-server/protocol/chat-page';
import { element } from '../dom';
import { type Webview, webview } from '../webview';
import { Composer } from './composer';
import { ConversationList } from './conversation-list';
import { TurnElement } from './turn-view';

/** The distance from the end, in pixels, that still counts as the end. */
const nearEnd = 40;
const maxSpoken = 1500;
const maxShown = 40;

class ChatPage {
  readonly #host: Webview<ToHost, ToView>;
  readonly #scroller = element('main', { class: 'scroller', tabindex: '-1' });
  readonly #turns = element('ol', { class: 'turns', 'aria-label': 'Conversation' });
  readonly #empty = element('div', { class: 'empty' });
  readonly #banner = element('div', { class: 'banner', hidden: true });
  readonly #bannerText = element('div', { role: 'status' });
  readonly #chooseModel = element('vscode-button', { hidden: true }, 'Choose a model');
  readonly #spoken = element('div', { class: 'screen-reader-only', role: 'status', 'aria-live': 'polite' });
  readonly #composer: Composer;
  readonly #list: ConversationList;
  readonly #earlier = element('button', { type: 'button', class: 'earlier', hidden: true });
  /** The turns on the page, in their order. */
  #shown = new Map<string, TurnElement>();
  #earlierTurns = 0;
  #follows = true;

  constructor(host: Webview<ToHost, ToView>) {
    this.#host = host;
    const send = (message: ToHost) => host.send(message);
    this.#composer = new Composer(send);
    this.#list = new ConversationList(send, () => this.#showList(false));
    this.#earlier.addEventListener('click', () => {
      const [first] = this.#shown.keys();
      if (first !== undefined) {
        send({ kind: 'showEarlier', turn: first });
      }
    });
    this.#scroller.append(this.#empty, this.#earlier, this.#turns);
    this.#chooseModel.addEventListener('click', () => send({ kind: 'chooseModel' }));
    this.#banner.append(this.#bannerText, this.#chooseModel);
    document.body.append(this.#banner, this.#scroller, this.#list.root, this.#composer.root, this.#spoken);
    this.#scroller.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
      this.#follows = scrollHeight - scrollTop - clientHeight < nearEnd;
    });
    // while the user reads the end, the end stays in view as the content grows
    new ResizeObserver(() => this.#follow()).observe(this.#turns);
    this.#empty.append(
      element('h2', {}, 'Ask about this repository'),
      element('p', {}, 'Answers come from the model on this machine. No data leaves it.'),
      element(
        'p',
        {},
        'Type @ to add files, folders, symbols, problems or changes, and / to explain, fix, test, document or review.',
      ),
    );
    host.onMessage((message) => this.#handle(message));
    host.send({ kind: 'ready' });
  }

  #showServer({ ready, problem, lacksModel }: Extract<ToView, { kind: 'server' }>): void {
    this.#banner.hidden = ready;
    this.#bannerText.textContent = ready ? '' : (problem ?? 'Loading the model…');
    this.#chooseModel.hidden = lacksModel !== true;
  }

  #handle(message: ToView): void {
    switch (message.kind) {
      case 'conversation':
        this.#earlierTurns = message.earlier;
        this.#reset(message.turns);
        break;
      case 'earlier':
        this.#prepend(message.turns, message.earlier);
        break;
      case 'turn':
        this.#updateTurn(message.turn);
        break;
      case 'removed':
        this.#removeFrom(message.from);
        break;
      case 'answer':
        this.#shown.get(message.turn)?.append(message.delta);
        break;
      case 'progress':
        this.#shown.get(message.turn)?.progress(message.share);
        break;
      case 'chips':
        this.#composer.setChips(message.chips);
        break;
      case 'size':
        this.#composer.setSize(message.size);
        break;
      case 'server':
        this.#showServer(message);
        break;
      case 'candidates':
        this.#composer.setCandidates(message.request, message.candidates, message.more ?? 0);
        break;
      case 'conversations':
        this.#list.update(message.query, message.list, message.more ?? 0);
        break;
      case 'compose':
        this.#showList(false);
        this.#composer.text = message.text;
        this.#composer.focus();
        break;
      case 'show':
        this.#showList(message.what === 'conversations');
        break;
      case 'say':
        this.#say(message.text);
        break;
    }
  }

  #reset(turns: readonly TurnView[]): void {
    for (const shown of this.#shown.values()) {
      shown.remove();
    }
    this.#shown.clear();
    this.#follows = true;
    for (const turn of turns) {
      this.#updateTurn(turn);
    }
    this.#changed();
  }

  #prepend(turns: readonly TurnView[], earlier: number): void {
    const before = this.#scroller.scrollHeight - this.#scroller.scrollTop;
    const fresh = turns.map((turn) => new TurnElement(turn, (message) => this.#host.send(message)));
    this.#turns.prepend(...fresh.map(({ root }) => root));
    this.#shown = new Map([...fresh.map((one) => [one.turn.id, one] as const), ...this.#shown]);
    this.#earlierTurns = earlier;
    this.#changed();
    // the scroll position moves along with the turns that were in view
    this.#scroller.scrollTop = this.#scroller.scrollHeight - before;
  }

  /** Removes the oldest turns of a long conversation from the page. A click shows them again. */
  #trim(): void {
    while (this.#shown.size > maxShown && this.#follows) {
      const [oldest] = this.#shown;
      oldest?.[1].remove();
      this.#shown.delete(oldest?.[0] ?? '');
      this.#earlierTurns += 1;
    }
  }

  #updateTurn(turn: TurnView): void {
    const shown = this.#shown.get(turn.id);
    const before = shown?.turn.state;
    if (shown === undefined) {
      const fresh = new TurnElement(turn, (message) => this.#host.send(message));
      this.#shown.set(turn.id, fresh);
      this.#turns.append(fresh.root);
      this.#follows = true;
      this.#trim();
    } else {
      shown.update(turn);
    }
    if (turn.state !== before && before !== undefined) {
      this.#announce(turn);
    }
    this.#changed();
  }

  #announce(turn: TurnView): void {
    if (turn.state === 'done') {
      this.#say(`Answer: ${turn.answer.slice(0, maxSpoken)}`);
    } else if (turn.state === 'stopped') {
      this.#say('The answer was stopped.');
    }
  }

  #removeFrom(id: string): void {
    let found = false;
    for (const [key, shown] of this.#shown) {
      found ||= key === id;
      if (found) {
        shown.remove();
        this.#shown.delete(key);
      }
    }
    this.#changed();
  }

  #changed(): void {
    const last = [...this.#shown.values()].at(-1)?.turn.state;
    this.#composer.setBusy(last === 'waiting' || last === 'answering');
    this.#empty.hidden = this.#shown.size > 0;
    this.#earlier.hidden = this.#earlierTurns === 0;
    this.#earlier.textContent = `Show earlier questions (${this.#earlierTurns})`;
    this.#follow();
  }

  #follow(): void {
    if (this.#follows) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
    }
  }

  #showList(list: boolean): void {
    this.#scroller.hidden = list;
    this.#composer.root.hidden = list;
    if (list) {
      this.#list.show();
    } else {
      this.#list.hide();
      this.#follow();
      this.#composer.focus();
    }
  }

  #say(text: string): void {
    this.#spoken.textContent = text;
  }
}

new ChatPage(webview(checkToHost, checkToView));
