/**
 * Shows an answer while it grows. Finished parts are rendered once. The unfinished end of the last part is rendered again, at
 * most once a frame; code that still grows only gets the new characters.
 */

import {
  type AnswerPart,
  type CodePart,
  type MarkdownPart,
  readAnswer,
  type ThoughtPart,
} from '../../language-server/protocol/answer/answer';
import type { applyActions } from '../../language-server/protocol/chat-page';
import { unopenedThought } from '../../language-server/protocol/thoughts';
import { element, iconButton, showHidden, visibleText } from '../dom';
import { highlight } from './highlight';
import { blockStarts, type LinkHost, renderMarkdown } from './markdown';

interface AnswerHost extends LinkHost {
  apply(block: number, action: (typeof applyActions)[number]): void;
}

/** The view of one part. */
interface PartView {
  readonly root: HTMLElement;
  /** Shows the part after it grew or ended. */
  update(part: AnswerPart, last: boolean): void;
}

export class AnswerView {
  readonly root = element('div', { class: 'answer' });
  readonly #host: AnswerHost;
  #text = '';
  #parts: AnswerPart[] = [];
  #views: PartView[] = [];
  #frame: number | undefined;
  #finished = false;
  /** The number of renderings, for tests. */
  renders = 0;

  constructor(host: AnswerHost) {
    this.#host = host;
  }

  get text(): string {
    return this.#text;
  }

  append(delta: string): void {
    this.#text += delta;
    this.#frame ??= requestAnimationFrame(() => this.#render());
  }

  /** Shows the complete answer at once. */
  finish(text: string): void {
    this.root.querySelector('.only-thought')?.remove();
    if (!text.startsWith(this.#text)) {
      this.#parts = [];
      this.#views = [];
      this.root.replaceChildren();
    }
    this.#text = text;
    this.#finished = true;
    this.#render();
  }

  dispose(): void {
    if (this.#frame !== undefined) {
      cancelAnimationFrame(this.#frame);
      this.#frame = undefined;
    }
  }

  #render(): void {
    this.dispose();
    this.renders++;
    if (this.#parts[0]?.kind !== 'thought' && unopenedThought(this.#text) !== undefined) {
      // the text so far turns out to be the thought
      this.#parts = [];
      this.#views = [];
      this.root.replaceChildren();
    }
    const kept = this.#parts.slice(0, -1);
    const grown = readAnswer(this.#text, this.#parts.at(-1)?.start ?? 0, kept, this.#finished);
    this.#parts = [...kept, ...grown];
    for (const [offset, part] of grown.entries()) {
      const index = kept.length + offset;
      const last = index === this.#parts.length - 1 && !this.#finished;
      let view = this.#views[index];
      if (view === undefined || view.root.dataset['kind'] !== part.kind) {
        const fresh = this.#create(part, index);
        if (view === undefined) {
          this.root.append(fresh.root);
        } else {
          view.root.replaceWith(fresh.root);
        }
        this.#views[index] = fresh;
        view = fresh;
      }
      view.update(part, last);
    }
    for (const view of this.#views.splice(this.#parts.length)) {
      view.root.remove();
    }
    if (this.#finished && this.#parts.length > 0 && this.#parts.every(isThoughtOrBlank)) {
      this.root.append(element('p', { class: 'only-thought' }, onlyThought));
    }
  }

  #create(part: AnswerPart, index: number): PartView {
    const view =
      part.kind === 'markdown'
        ? new MarkdownView(this.#host)
        : part.kind === 'thought'
          ? new ThoughtView()
          : new CodeView(this.#host, this.#parts.slice(0, index).filter(({ kind }) => kind === 'code').length);
    view.root.dataset['kind'] = part.kind;
    return view;
  }
}

const onlyThought = 'The model spent its whole answer on thinking. Ask for something smaller, or ask again.';

function isThoughtOrBlank(part: AnswerPart): boolean {
  return part.kind === 'thought' || (part.kind === 'markdown' && part.text.trim() === '');
}

/**
 * Text after a code block in a list item is indented to stay in the item. Rendered on its own, it would be taken for code, so
 * the indentation is removed up to the first line without one.
 */
function withoutIndent(text: string, columns: number): string {
  if (columns === 0) {
    return text;
  }
  const lines = text.split('\n');
  const outside = lines.findIndex((line) => /^\S/.test(line));
  const inside = new RegExp(`^(?: {0,3}\\t| ){0,${columns}}`);
  return lines.map((line, index) => (outside !== -1 && index >= outside ? line : line.replace(inside, ''))).join('\n');
}

class MarkdownView implements PartView {
  readonly root = element('div', { class: 'markdown' });
  readonly #host: LinkHost;
  /** The length of the text that is in finished blocks. */
  #finished = 0;
  #open: HTMLElement | undefined;

  constructor(host: LinkHost) {
    this.#host = host;
  }

  update(part: AnswerPart, last: boolean): void {
    const { text: written, indent } = part as MarkdownPart;
    const text = withoutIndent(written, indent);
    if (text.length < this.#finished) {
      this.#finished = 0;
      this.#open = undefined;
      this.root.replaceChildren();
    }
    const rest = text.slice(this.#finished);
    const open = blockStarts(rest).at(-1) ?? 0;
    const closed = last ? rest.slice(0, open) : rest;
    this.#open?.remove();
    this.#open = undefined;
    if (closed !== '') {
      this.root.append(renderMarkdown(closed, this.#host));
      this.#finished += closed.length;
    }
    if (last && rest.length > open) {
      this.#open = element('div', { class: 'open-block' });
      this.#open.append(renderMarkdown(rest.slice(open), this.#host));
      this.root.append(this.#open);
    }
  }
}

class ThoughtView implements PartView {
  readonly root = element('details', { class: 'thought' });
  readonly #summary = element('summary', {}, 'Thinking…');
  readonly #body = element('div', { class: 'thought-text' });

  constructor() {
    this.root.append(this.#summary, this.#body);
  }

  update(part: AnswerPart, last: boolean): void {
    const { text, closed } = part as ThoughtPart;
    this.#summary.textContent = closed || !last ? 'Thoughts' : 'Thinking…';
    this.#body.replaceChildren(visibleText(text.trim()));
  }
}

class CodeView implements PartView {
  readonly root = element('figure', { class: 'code' });
  readonly #host: AnswerHost;
  readonly #block: number;
  readonly #code = element('code');
  readonly #caption = element('figcaption');
  #shown = '';
  #done = false;

  constructor(host: AnswerHost, block: number) {
    this.#host = host;
    this.#block = block;
    const pre = element('pre', { tabindex: '0', role: 'region', 'aria-label': `Code block ${block + 1}` });
    pre.append(this.#code);
    this.root.append(this.#caption, pre);
    this.#caption.append(element('span', { class: 'code-title' }, 'code'));
  }

  update(part: AnswerPart, last: boolean): void {
    const code = part as CodePart;
    if (this.#done) {
      return;
    }
    const { text } = code;
    if (code.closed || !last) {
      this.#done = true;
      const colours = highlight(text, code.files.length > 0 && code.language !== 'diff' ? '' : code.language);
      this.#code.replaceChildren(colours ?? visibleText(text));
      if (colours !== undefined) {
        showHidden(this.#code);
      }
      this.#finishCaption(code);
    } else if (text.startsWith(this.#shown)) {
      this.#code.append(visibleText(text.slice(this.#shown.length)));
    } else {
      this.#code.replaceChildren(visibleText(text));
    }
    this.#shown = text;
  }

  #finishCaption(code: CodePart): void {
    const title = titleOf(code);
    const act = (action: (typeof applyActions)[number]) => () => this.#host.apply(this.#block, action);
    const actions = element('span', {
      class: 'code-actions',
      role: 'toolbar',
      'aria-label': `Code block ${this.#block + 1}`,
    });
    const isChange = code.files.length > 0;
    actions.append(iconButton('copy', 'Copy code', act('copy')));
    if (!isChange) {
      actions.append(
        iconButton('insert', 'Insert at cursor', act('insert')),
        iconButton('replace', 'Replace selection', act('replace')),
        iconButton('new-file', 'Insert into new file', act('newFile')),
      );
    }
    actions.append(iconButton('diff', isChange ? 'Review changes in a diff' : 'Compare with file', act('diff')));
    this.#caption.replaceChildren(element('span', { class: 'code-title', title }, title), actions);
  }
}

/** The title of a block: its file, and what it does to it. */
function titleOf({ path, language, files, changes }: CodePart): string {
  const [file] = files;
  if (file === undefined) {
    return path ?? (language || 'code');
  }
  if (files.length > 1) {
    return `${file.paths[0] ?? path ?? 'a file'} and ${files.length - 1} more ${files.length === 2 ? 'file' : 'files'}, ${counted(changes.length)}`;
  }
  const what = {
    change: counted(changes.length),
    new: 'new file',
    removed: 'deletes the file',
    renamed: `renamed to ${file.to ?? ''}`,
  };
  return path === undefined ? what[file.kind] : `${path}, ${what[file.kind]}`;
}

function counted(changes: number): string {
  return changes === 1 ? '1 change' : `${changes} changes`;
}
