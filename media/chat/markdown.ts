/**
 * Renders the Markdown of a model. HTML is disabled, the result is sanitized and nothing is fetched. An image becomes text; a
 * link shows where it leads, and is opened only by the host after a question.
 */

import DOMPurify from 'dompurify';
import MarkdownIt from 'markdown-it';
import cjkFriendly from 'markdown-it-cjk-friendly';
import { element, showHidden, visibleText } from '../dom';

// CommonMark does not end emphasis between full-width punctuation and a letter, as languages without spaces need it
const markdown = new MarkdownIt({ html: false, linkify: false, breaks: false, maxNesting: 40 }).use(cjkFriendly);

// only links to the web and to paths of the workspace; other schemes could start programs
markdown.validateLink = (url) => /^https?:\/\//i.test(url) || !/^(?:\/\/|\s*[a-z][a-z\d+.-]*:)/i.test(url);

// an image would be fetched, and its URL could carry data out
markdown.renderer.rules['image'] = (tokens, index) => {
  const token = tokens[index];
  const words = `[image: ${token?.content ?? ''} ${token?.attrGet('src') ?? ''}]`;
  return markdown.utils.escapeHtml(words);
};

const allowed = {
  ALLOWED_TAGS: [
    ...['p', 'br', 'hr', 'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'ul', 'ol', 'li', 'blockquote', 'pre', 'code'],
    ...['em', 'strong', 's', 'a', 'table', 'thead', 'tbody', 'tr', 'th', 'td'],
  ],
  ALLOWED_ATTR: ['href', 'start'],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
};

export interface LinkHost {
  /** Is called when the user clicks a link; the host decides what to do. */
  openLink(url: string): void;
}

/** @returns the offsets of the top-level blocks, ascending, the first 0. All blocks but the last no longer change */
export function blockStarts(text: string): number[] {
  const lines: number[] = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) {
    lines.push(at + 1);
  }
  const starts = markdown
    .parse(text, {})
    .filter((token) => token.level === 0 && token.nesting !== -1 && token.map !== null)
    .map((token) => lines[token.map?.[0] ?? 0] ?? 0);
  return [...new Set([0, ...starts.slice(1)])];
}

export function renderMarkdown(text: string, host: LinkHost): DocumentFragment {
  const fragment = DOMPurify.sanitize(markdown.render(text), { ...allowed, RETURN_DOM_FRAGMENT: true });
  for (const heading of fragment.querySelectorAll('h1, h2, h3, h4, h5, h6')) {
    // headings of an answer are below the panel's own headings
    const level = Math.min(6, Number(heading.tagName.slice(1)) + 2);
    const replaced = element(`h${level}`, { class: 'answer-heading' });
    replaced.append(...heading.childNodes);
    heading.replaceWith(replaced);
  }
  for (const anchor of fragment.querySelectorAll('a')) {
    anchor.replaceWith(link(anchor, host));
  }
  for (const table of fragment.querySelectorAll('table')) {
    const frame = element('div', { class: 'table-frame', tabindex: '0', role: 'group', 'aria-label': 'Table' });
    table.replaceWith(frame);
    frame.append(table);
  }
  showHidden(fragment);
  return fragment;
}

/** Makes a link without an href, so that neither the editor nor the browser opens it, and shows its target. */
function link(anchor: HTMLAnchorElement, host: LinkHost): DocumentFragment {
  const url = anchor.getAttribute('href') ?? '';
  const shown = anchor.textContent ?? '';
  const open = () => host.openLink(url);
  const button = element('a', {
    class: 'link',
    role: 'link',
    tabindex: '0',
    title: url,
    on: {
      click: open,
      keydown: (event) => {
        if (event instanceof KeyboardEvent && (event.key === 'Enter' || event.key === ' ')) {
          event.preventDefault();
          open();
        }
      },
    },
  });
  button.append(...anchor.childNodes);
  const fragment = document.createDocumentFragment();
  fragment.append(button);
  if (shown.trim() !== url) {
    const target = element('span', { class: 'link-target' });
    target.append(' (', visibleText(shortened(url)), ')');
    fragment.append(target);
  }
  return fragment;
}

/** Keeps the beginning of a URL, since the host name says where a link leads. */
function shortened(url: string): string {
  return url.length > 120 ? `${url.slice(0, 119)}…` : url;
}
