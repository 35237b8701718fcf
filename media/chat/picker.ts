/** The listbox of a combobox: a list of suggestions that keys of the text field operate while it keeps the focus. */

import { element } from '../dom';

export interface PickerItem {
  readonly label: string;
  readonly detail?: string;
  /** The id of a codicon. */
  readonly icon: string;
  choose(): void;
}

export class Picker {
  readonly root: HTMLElement;
  readonly #owner: HTMLElement;
  readonly #id: string;
  #items: readonly PickerItem[] = [];
  #active = 0;

  constructor(owner: HTMLElement, id: string) {
    this.#owner = owner;
    this.#id = id;
    this.root = element('ul', { id, class: 'picker', role: 'listbox', 'aria-label': 'Suggestions', hidden: true });
  }

  /** @param note a row below the items that cannot be chosen */
  show(items: readonly PickerItem[], note?: string): void {
    this.#items = items;
    this.#active = 0;
    if (items.length === 0 && note === undefined) {
      this.close();
      return;
    }
    this.root.replaceChildren(
      ...items.map((item, index) => {
        const row = element('li', { id: `${this.#id}-${index}`, role: 'option', class: 'picker-item' });
        row.append(
          element('span', { class: `codicon codicon-${item.icon}`, 'aria-hidden': 'true' }),
          element('span', { class: 'picker-label' }, item.label),
          element('span', { class: 'picker-detail' }, item.detail ?? ''),
        );
        // a click would come after the text field has lost the focus
        row.addEventListener('mousedown', (event) => {
          event.preventDefault();
          item.choose();
        });
        return row;
      }),
    );
    if (note !== undefined) {
      this.root.append(
        element(
          'li',
          { role: 'option', class: 'picker-none', 'aria-disabled': 'true', 'aria-selected': 'false' },
          note,
        ),
      );
    }
    this.root.hidden = false;
    this.#owner.setAttribute('aria-expanded', 'true');
    this.#mark();
  }

  close(): void {
    this.root.hidden = true;
    this.#items = [];
    this.#owner.setAttribute('aria-expanded', 'false');
    this.#owner.removeAttribute('aria-activedescendant');
  }

  /** @returns whether the list has handled the key */
  key(event: KeyboardEvent): boolean {
    if (this.root.hidden || event.isComposing) {
      return false;
    }
    const item = this.#items[this.#active];
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step !== 0 && this.#items.length > 0) {
      this.#active = (this.#active + step + this.#items.length) % this.#items.length;
      this.#mark();
    } else if ((event.key === 'Enter' || event.key === 'Tab') && item !== undefined) {
      item.choose();
    } else if (event.key === 'Escape') {
      this.close();
    } else {
      return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  #mark(): void {
    for (const [index, row] of [...this.root.children].entries()) {
      const active = index === this.#active && this.#items.length > 0;
      row.setAttribute('aria-selected', String(active));
      if (active) {
        this.#owner.setAttribute('aria-activedescendant', row.id);
        row.scrollIntoView({ block: 'nearest' });
      }
    }
  }
}
