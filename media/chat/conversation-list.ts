/** The list of the workspace's conversations, to search, open, rename, export and delete them. */

import type { SummaryView, ToHost } from '../../language-server/protocol/chat-page';
import { limits } from '../../language-server/protocol/limits';
import { element, iconButton } from '../dom';

export class ConversationList {
  readonly root = element('section', { class: 'conversations', 'aria-label': 'Conversations', hidden: true });
  readonly #send: (message: ToHost) => void;
  readonly #close: () => void;
  readonly #search = element('input', {
    type: 'search',
    class: 'search',
    placeholder: 'Search conversations',
    'aria-label': 'Search conversations',
    maxlength: String(limits.label),
  });
  readonly #list = element('ul', { class: 'conversation-items' });
  readonly #none = element('p', { class: 'muted' });

  constructor(send: (message: ToHost) => void, close: () => void) {
    this.#send = send;
    this.#close = close;
    const back = iconButton('arrow-left', 'Back to the chat', close);
    const heading = element('h2', {}, 'Conversations');
    this.root.append(element('div', { class: 'list-head' }, back, heading), this.#search, this.#list, this.#none);
    this.#search.addEventListener('input', () => this.#ask());
    this.root.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') {
        close();
      }
    });
  }

  show(): void {
    this.root.hidden = false;
    this.#search.value = '';
    this.#ask();
    this.#search.focus();
  }

  hide(): void {
    this.root.hidden = true;
  }

  /** @param more the number of those that were found and are not listed */
  update(query: string, list: readonly SummaryView[], more: number): void {
    if (query !== this.#search.value) {
      return;
    }
    this.#none.textContent = list.length > 0 ? '' : query === '' ? 'There are no conversations yet.' : 'Nothing found.';
    this.#list.replaceChildren(...list.map((one) => this.#row(one)));
    if (more > 0) {
      this.#none.textContent = `${more} more: search to find them`;
    }
  }

  #ask(): void {
    this.#send({ kind: 'listConversations', query: this.#search.value });
  }

  #row(one: SummaryView): HTMLElement {
    const open = () => {
      this.#send({ kind: 'openConversation', id: one.id });
      this.#close();
    };
    const when = new Date(one.changed).toLocaleString();
    const about = `${one.turns === 1 ? '1 question' : `${one.turns} questions`} · ${when}`;
    const button = element('button', { type: 'button', class: 'conversation-open', on: { click: open } });
    button.append(
      element('span', { class: 'conversation-title' }, one.title),
      element('span', { class: 'muted' }, one.found ?? about),
    );
    const row = element('li', { class: 'conversation-row' }, button);
    const actions = element('span', { class: 'row-actions' });
    actions.append(
      iconButton('edit', `Rename ${one.title}`, () => this.#rename(row, one)),
      iconButton('export', `Export ${one.title} as Markdown`, () =>
        this.#send({ kind: 'exportConversation', id: one.id }),
      ),
      iconButton('trash', `Delete ${one.title}`, () => this.#send({ kind: 'deleteConversation', id: one.id })),
    );
    row.append(actions);
    return row;
  }

  #rename(row: HTMLElement, one: SummaryView): void {
    const input = element('input', {
      type: 'text',
      class: 'search',
      'aria-label': 'New name',
      maxlength: String(limits.title),
    });
    input.value = one.title;
    input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && input.value.trim() !== '') {
        this.#send({ kind: 'renameConversation', id: one.id, title: input.value.trim() });
      } else if (event.key === 'Escape') {
        event.stopPropagation();
        row.replaceWith(this.#row(one));
      }
    });
    row.replaceChildren(input);
    input.focus();
    input.select();
  }
}
