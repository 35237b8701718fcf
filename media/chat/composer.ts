/** The form for a question: chips, text field, the pickers of `@` and `/`, the meter, the buttons to ask and stop. */

import {
  type Candidate,
  type Chip,
  type MentionKind,
  mentionKinds,
  type ToHost,
} from '../../language-server/protocol/chat-page';
import { startOf } from '../../language-server/protocol/cut';
import { formatCount } from '../../language-server/protocol/format';
import { limits } from '../../language-server/protocol/limits';
import { type AskCommand, type AskSize, askCommands } from '../../language-server/protocol/server';
import { element, iconButton } from '../dom';
import { Picker, type PickerItem } from './picker';

const commandWords: Readonly<Record<AskCommand, string>> = {
  explain: 'explain what this code does, and why',
  fix: 'find and fix what is wrong',
  tests: 'write tests',
  doc: 'write documentation comments',
  review: 'point out bugs, risks and unclear code',
};
const mentionWords: Readonly<Record<MentionKind, string>> = {
  file: 'a file of the workspace',
  folder: 'the files of a folder',
  symbol: 'a function, class or other symbol',
  problems: 'errors and warnings of the editor',
  changes: 'what changed since the last commit',
};

const draftDelayMs = 300;

export class Composer {
  readonly root = element('form', { class: 'composer', 'aria-label': 'Question' });
  readonly #send: (message: ToHost) => void;
  readonly #chips = element('ul', { class: 'chips', 'aria-label': 'Attached context' });
  readonly #area = element('textarea', {
    rows: '3',
    placeholder: 'Ask about this repository. @ for files, / for commands.',
    'aria-label': 'Question',
    role: 'combobox',
    'aria-autocomplete': 'list',
    'aria-expanded': 'false',
    'aria-controls': 'picker',
  });
  readonly #picker: Picker;
  readonly #meter = element('div', { class: 'meter' });
  readonly #stop = iconButton('debug-stop', 'Stop', () => this.#send({ kind: 'stop' }));
  readonly #ask = iconButton('send', 'Ask', () => this.submit());
  #request = 0;
  #draftTimer: ReturnType<typeof setTimeout> | undefined;
  #busy = false;
  /** The mention that is being chosen: its kind, and where its word starts. */
  #mention: { readonly kind: MentionKind; readonly start: number } | undefined;

  constructor(send: (message: ToHost) => void) {
    this.#send = send;
    this.#picker = new Picker(this.#area, 'picker');
    const add = iconButton('mention', 'Add files, symbols, problems or changes', () => this.#startMention());
    const row = element('div', { class: 'composer-row' }, add, this.#meter, this.#stop, this.#ask);
    this.root.append(this.#chips, this.#picker.root, this.#area, row);
    this.root.addEventListener('submit', (event) => event.preventDefault());
    this.#area.addEventListener('input', () => this.#typed());
    this.#area.addEventListener('keydown', (event) => this.#key(event));
    this.#area.addEventListener('blur', () => setTimeout(() => this.#picker.close(), 150));
    this.setBusy(false);
    this.setSize(undefined);
  }

  focus(): void {
    this.#area.focus();
  }

  set text(text: string) {
    this.#area.value = text;
    this.#typed();
  }

  setBusy(busy: boolean): void {
    this.#busy = busy;
    this.#stop.hidden = !busy;
    this.#ask.hidden = busy;
  }

  setChips(chips: readonly Chip[]): void {
    this.#chips.replaceChildren(
      ...chips.map((chip) => {
        const remove = element('button', {
          type: 'button',
          class: 'codicon codicon-close chip-remove',
          'aria-label': `Remove ${chip.label}`,
          title: `Remove ${chip.label}`,
          on: {
            click: () => {
              this.#send({ kind: 'removeChip', id: chip.id });
              this.focus();
            },
          },
        });
        return element(
          'li',
          { class: 'chip', title: chip.detail ?? chip.label },
          element('span', {}, chip.label),
          remove,
        );
      }),
    );
    this.#chips.hidden = chips.length === 0;
    this.#draft();
  }

  setSize(size: AskSize | undefined): void {
    if (size === undefined) {
      this.#meter.replaceChildren();
      return;
    }
    const share = Math.min(1, size.tokens / Math.max(1, size.roomTokens));
    const bar = element('span', { class: 'meter-bar', 'aria-hidden': 'true' });
    bar.style.setProperty('--share', String(share));
    const beside =
      size.repositoryTokens === undefined ? '' : `, and ${formatCount(size.repositoryTokens)} of the repository`;
    const words = size.fits
      ? `${formatCount(size.tokens)} of ${formatCount(size.roomTokens)} tokens${beside}`
      : `too long: ${formatCount(size.tokens)} of ${formatCount(size.roomTokens)} tokens`;
    const details = element('details', { class: size.fits ? 'meter-details' : 'meter-details too-long' });
    const cut = size.parts.filter(({ reason }) => reason !== undefined).length;
    details.append(
      element('summary', { title: 'Prompt contents' }, bar, cut > 0 ? `${words}, ${cut} left out or cut` : words),
    );
    const list = element('ul', { class: 'size-parts' });
    for (const part of size.parts) {
      const tokens =
        part.reason === undefined
          ? formatCount(part.includedTokens)
          : `${formatCount(part.includedTokens)} of ${part.tokens === undefined ? '?' : formatCount(part.tokens)}, ${part.reason}`;
      list.append(element('li', { class: part.reason === undefined ? '' : 'cut' }, `${part.label}: ${tokens}`));
    }
    details.append(list);
    details.open = this.#meter.querySelector('details')?.open ?? false;
    this.#meter.replaceChildren(details);
  }

  /** @param more the number of those that were found and are not offered */
  setCandidates(request: number, candidates: readonly Candidate[], more: number): void {
    if (request !== this.#request || this.#mention === undefined) {
      return;
    }
    const { kind } = this.#mention;
    this.#picker.show(
      candidates.map((candidate) => ({
        label: candidate.label,
        ...(candidate.detail === undefined ? {} : { detail: candidate.detail }),
        icon: icons[candidate.kind],
        choose: () => {
          this.#dropMention();
          this.#send({ kind: 'addChip', id: candidate.id, type: kind });
        },
      })),
      candidates.length === 0
        ? 'Nothing found'
        : more > 0
          ? `${formatCount(more)} more: keep typing to find them`
          : undefined,
    );
  }

  submit(): void {
    const { text, command } = this.#read();
    if (this.#busy || (text.trim() === '' && command === undefined)) {
      return;
    }
    this.#picker.close();
    if (this.#sayTooLong(text)) {
      return;
    }
    this.#send({ kind: 'ask', text, ...(command === undefined ? {} : { command }) });
    this.#area.value = '';
    this.#mention = undefined;
    this.setSize(undefined);
    this.#area.focus();
  }

  /** Shows in place of the tokens that a question is too long. @returns whether it is */
  #sayTooLong(text: string): boolean {
    const tooLong = text.length > limits.question;
    if (tooLong) {
      this.#meter.replaceChildren(element('span', { class: 'too-long', role: 'alert' }, tooLongWords(text)));
    }
    return tooLong;
  }

  /** Splits `/command rest` into its parts. */
  #read(): { readonly text: string; readonly command?: AskCommand } {
    const match = /^\/(\w+)(?:\s+|$)/.exec(this.#area.value);
    const command = askCommands.find((name) => name === match?.[1]);
    return command === undefined || match === null
      ? { text: this.#area.value }
      : { text: this.#area.value.slice(match[0].length), command };
  }

  #typed(): void {
    this.#draft();
    const caret = this.#area.selectionStart;
    const before = this.#area.value.slice(0, caret);
    const command = /^\/(\w*)$/.exec(before);
    const mention = /(?:^|\s)@(\w*)(?::([^\s@]*))?$/.exec(before);
    if (command !== null) {
      const typed = command[1] ?? '';
      this.#picker.show(this.#commandItems(typed));
      return;
    }
    if (mention === null) {
      this.#mention = undefined;
      this.#picker.close();
      return;
    }
    const [whole, word = '', query] = mention;
    const start = caret - whole.trimStart().length;
    const kind = mentionKinds.find((name) => name === word);
    if (kind !== undefined && (query !== undefined || kind === 'problems' || kind === 'changes')) {
      this.#query(kind, start, query ?? '');
    } else if (query === undefined) {
      const kinds = mentionKinds.filter((name) => name.startsWith(word));
      if (kinds.length > 0) {
        this.#mention = undefined;
        this.#picker.show(kinds.map((name) => this.#kindItem(name, start)));
      } else {
        this.#query('file', start, word);
      }
    }
  }

  #query(kind: MentionKind, start: number, query: string): void {
    this.#mention = { kind, start };
    this.#request += 1;
    this.#send({ kind: 'mention', request: this.#request, type: kind, query: startOf(query, limits.label) });
  }

  #commandItems(typed: string): PickerItem[] {
    return askCommands
      .filter((name) => name.startsWith(typed))
      .map((name) => ({
        label: `/${name}`,
        detail: commandWords[name],
        icon: 'terminal',
        choose: () => this.#replace(0, `/${name} `),
      }));
  }

  #kindItem(kind: MentionKind, start: number): PickerItem {
    return {
      label: `@${kind}`,
      detail: mentionWords[kind],
      icon: icons[kind],
      choose: () => this.#replace(start, `@${kind}:`),
    };
  }

  #startMention(): void {
    const { value, selectionStart } = this.#area;
    const space = selectionStart > 0 && !/\s$/.test(value.slice(0, selectionStart)) ? ' ' : '';
    this.#area.focus();
    this.#area.setRangeText(`${space}@`, selectionStart, selectionStart, 'end');
    this.#typed();
  }

  #replace(start: number, text: string): void {
    this.#area.setRangeText(text, start, this.#area.selectionStart, 'end');
    this.#area.focus();
    this.#picker.close();
    this.#typed();
  }

  /** Removes the word of a mention that has become a chip. */
  #dropMention(): void {
    const start = this.#mention?.start ?? this.#area.selectionStart;
    this.#mention = undefined;
    this.#replace(start, '');
  }

  #draft(): void {
    clearTimeout(this.#draftTimer);
    this.#draftTimer = setTimeout(() => {
      const draft = this.#read();
      if (!this.#sayTooLong(draft.text)) {
        this.#send({ kind: 'draft', ...draft });
      }
    }, draftDelayMs);
  }

  #key(event: KeyboardEvent): void {
    if (this.#picker.key(event)) {
      return;
    }
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.submit();
    } else if (event.key === 'Escape' && this.#busy) {
      event.preventDefault();
      this.#send({ kind: 'stop' });
    }
  }
}

/** Says that a question is longer than the maximum. */
export function tooLongWords(text: string): string {
  const max = formatCount(limits.question);
  return `too long: ${formatCount(text.length)} characters, the maximum is ${max}. Put the long text into a file and add it with @file.`;
}

const icons: Readonly<Record<MentionKind, string>> = {
  file: 'file',
  folder: 'folder',
  symbol: 'symbol-method',
  problems: 'warning',
  changes: 'git-compare',
};
