/** The chat panel's page: shows what the host says, tells it what the user does. */

import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-toolbar-button/index.js';
import { element } from '../dom';
import { type Webview, webview } from '../webview';
import { Composer } from './composer';
import { ConversationList } from './conversation-list';
import { checkToHost, checkToView, type ToHost, type ToView, type TurnView } from './messages';
import { TurnElement } from './turn-view';

/** Pixels from the end that still count as the end. */
const nearEnd = 40;
const mostSpoken = 1500;

class ChatPage {
  readonly #host: Webview<ToHost>;
  readonly #scroller = element('main', { class: 'scroller', tabindex: '-1' });
  readonly #turns = element('ol', { class: 'turns', 'aria-label': 'Conversation' });
  readonly #empty = element('div', { class: 'empty' });
  readonly #banner = element('div', { class: 'banner', role: 'status', hidden: true });
  readonly #spoken = element('div', { class: 'screen-reader-only', role: 'status', 'aria-live': 'polite' });
  readonly #composer: Composer;
  readonly #list: ConversationList;
  readonly #shown = new Map<string, TurnElement>();
  #follows = true;

  constructor(host: Webview<ToHost>) {
    this.#host = host;
    const send = (message: ToHost) => host.send(message);
    this.#composer = new Composer(send);
    this.#list = new ConversationList(send, () => this.#showList(false));
    this.#scroller.append(this.#empty, this.#turns);
    document.body.append(this.#banner, this.#scroller, this.#list.root, this.#composer.root, this.#spoken);
    this.#scroller.addEventListener('scroll', () => {
      const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
      this.#follows = scrollHeight - scrollTop - clientHeight < nearEnd;
    });
    // what grows, grows the content: while the user reads the end, the end stays in view
    new ResizeObserver(() => this.#follow()).observe(this.#turns);
    this.#empty.append(
      element('h2', {}, 'Ask about this repository'),
      element('p', {}, 'The answer comes from the model on this machine. Nothing leaves it.'),
      element(
        'p',
        {},
        '@ adds files, folders, symbols, problems or changes. / explains, fixes, tests, documents, reviews.',
      ),
    );
    host.onMessage((value) => this.#take(checkToView(value)));
    host.send({ kind: 'ready' });
  }

  #take(message: ToView): void {
    switch (message.kind) {
      case 'conversation':
        this.#reset(message.turns);
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
        this.#banner.hidden = message.ready;
        this.#banner.textContent = message.ready ? '' : (message.problem ?? 'The model is being loaded…');
        break;
      case 'candidates':
        this.#composer.setCandidates(message.request, message.candidates);
        break;
      case 'conversations':
        this.#list.update(message.query, message.list);
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

  #updateTurn(turn: TurnView): void {
    const shown = this.#shown.get(turn.id);
    const before = shown?.turn.state;
    if (shown === undefined) {
      const fresh = new TurnElement(turn, (message) => this.#host.send(message));
      this.#shown.set(turn.id, fresh);
      this.#turns.append(fresh.root);
      this.#follows = true;
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
      this.#say(`Answer: ${turn.answer.slice(0, mostSpoken)}`);
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

new ChatPage(webview(checkToHost, (text) => ({ kind: 'problem', text })));
