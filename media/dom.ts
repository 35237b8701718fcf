/** Creates elements without markup: text stays text, and nothing is parsed as HTML. */

import { pieces } from '../language-server/protocol/hidden';

type Child = Node | string | undefined | false;

interface Attributes {
  readonly class?: string;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
  readonly [name: string]: string | boolean | undefined | Readonly<Record<string, (event: Event) => void>>;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes?: Attributes,
  ...children: readonly Child[]
): HTMLElementTagNameMap[K];
export function element(tag: string, attributes?: Attributes, ...children: readonly Child[]): HTMLElement;
export function element(tag: string, attributes: Attributes = {}, ...children: readonly Child[]): HTMLElement {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'object') {
      for (const [event, handler] of Object.entries(value)) {
        node.addEventListener(event, handler);
      }
    } else if (value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? '' : value);
    }
  }
  for (const child of children) {
    if (child !== undefined && child !== false) {
      node.append(typeof child === 'string' ? visibleText(child) : child);
    }
  }
  return node;
}

/** @returns the text with its hidden characters made visible */
export function visibleText(text: string): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const piece of pieces(text)) {
    fragment.append(piece.name === undefined ? piece.text : hiddenMark(piece.text, piece.name));
  }
  return fragment;
}

function hiddenMark(_character: string, name: string): HTMLElement {
  const mark = document.createElement('span');
  mark.className = 'hidden-character';
  mark.title = name;
  mark.textContent = name.split(' ')[0] ?? '';
  return mark;
}

/** Makes hidden characters visible in all text below a node. */
export function showHidden(root: Node): void {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found: Text[] = [];
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Text && pieces(node.data).some((piece) => piece.name !== undefined)) {
      found.push(node);
    }
  }
  for (const node of found) {
    node.replaceWith(visibleText(node.data));
  }
}

export function iconButton(icon: string, label: string, onClick: () => void): HTMLElement {
  const button = element('vscode-toolbar-button', { icon, label, title: label });
  button.addEventListener('click', onClick);
  return button;
}
