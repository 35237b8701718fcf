/** One turn on the page: the question with its context, the answer, its sources and its figures. */

import type { CitationView, StatsView, ToHost, TurnView } from '../../language-server/protocol/chat-page';
import { formatCount, formatMs } from '../../language-server/protocol/format';
import { limits } from '../../language-server/protocol/limits';
import type { AskSize } from '../../language-server/protocol/server';
import { element, iconButton, visibleText } from '../dom';
import { AnswerView } from './answer-view';
import { tooLongWords } from './composer';

export class TurnElement {
  readonly root = element('li', { class: 'turn' });
  readonly #send: (message: ToHost) => void;
  readonly #question = element('div', { class: 'question' });
  readonly #status = element('div', { class: 'turn-status' });
  readonly #after = element('div', { class: 'after' });
  #turn: TurnView;
  #answer: AnswerView;

  constructor(turn: TurnView, send: (message: ToHost) => void) {
    this.#turn = turn;
    this.#send = send;
    this.#answer = this.#newAnswer();
    const heading = element('h3', { class: 'screen-reader-only' }, 'Answer');
    this.root.append(this.#question, heading, this.#answer.root, this.#status, this.#after);
    this.update(turn);
  }

  get turn(): TurnView {
    return this.#turn;
  }

  update(turn: TurnView): void {
    const before = this.#turn;
    this.#turn = turn;
    if (!turn.answer.startsWith(this.#answer.text)) {
      const fresh = this.#newAnswer();
      this.#answer.dispose();
      this.#answer.root.replaceWith(fresh.root);
      this.#answer = fresh;
    }
    this.#showQuestion();
    if (turn.state === 'waiting' || turn.state === 'answering') {
      this.#answer.append(turn.answer.slice(this.#answer.text.length));
    } else {
      this.#answer.finish(turn.answer);
    }
    this.#showStatus();
    if (before !== turn || this.#after.childElementCount === 0) {
      this.#showAfter();
    }
  }

  append(delta: string): void {
    this.#turn = { ...this.#turn, answer: this.#turn.answer + delta, state: 'answering' };
    this.#answer.append(delta);
    if (this.#status.childElementCount > 0) {
      this.#showStatus();
    }
  }

  progress(share: number): void {
    if (this.#turn.state === 'waiting') {
      this.#showStatus(share);
    }
  }

  remove(): void {
    this.#answer.dispose();
    this.root.remove();
  }

  #newAnswer(): AnswerView {
    return new AnswerView({
      openLink: (url) => this.#send({ kind: 'openLink', url }),
      apply: (block, action) => this.#send({ kind: 'apply', turn: this.#turn.id, block, action }),
    });
  }

  #showQuestion(): void {
    const { question, command, chips, id } = this.#turn;
    const edit = iconButton('edit', 'Edit and ask again', () => this.#edit());
    const remove = iconButton('trash', 'Delete this question and answer', () =>
      this.#send({ kind: 'delete', turn: id }),
    );
    const actions = element('span', { class: 'turn-actions' }, edit, remove);
    const text = element('div', { class: 'question-text' });
    if (command !== undefined) {
      text.append(element('span', { class: 'command' }, `/${command}`), ' ');
    }
    text.append(visibleText(question));
    const heading = element('h2', { class: 'question-heading' }, 'You');
    this.#question.replaceChildren(element('div', { class: 'question-head' }, heading, actions), text);
    if (chips.length > 0) {
      const list = element('ul', { class: 'chips', 'aria-label': 'Context of the question' });
      list.append(
        ...chips.map((chip) => element('li', { class: 'chip', title: chip.detail ?? chip.label }, chip.label)),
      );
      this.#question.append(list);
    }
  }

  #edit(): void {
    const { question, id } = this.#turn;
    const area = element('textarea', { class: 'edit', 'aria-label': 'Edit the question', rows: '3' });
    area.value = question;
    const done = () => this.#showQuestion();
    const tooLong = element('span', { class: 'too-long', role: 'alert', hidden: true });
    const ask = () => {
      tooLong.hidden = area.value.length <= limits.question;
      tooLong.textContent = tooLong.hidden ? '' : tooLongWords(area.value);
      if (!tooLong.hidden) {
        return;
      }
      if (area.value.trim() !== '' || this.#turn.command !== undefined) {
        this.#send({ kind: 'edit', turn: id, text: area.value });
        done();
      }
    };
    area.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        ask();
      } else if (event.key === 'Escape') {
        event.stopPropagation();
        done();
      }
    });
    const send = element('vscode-button', { on: { click: ask } }, 'Ask again');
    const cancel = element('vscode-button', { secondary: true, on: { click: done } }, 'Cancel');
    this.#question.replaceChildren(area, tooLong, element('div', { class: 'edit-actions' }, send, cancel));
    area.focus();
    area.select();
  }

  #showStatus(share?: number): void {
    const { state, answer, problem } = this.#turn;
    if (state === 'waiting' && answer === '') {
      const words =
        share === undefined || share <= 0
          ? 'Waiting for the model…'
          : `Processing the prompt: ${Math.floor(share * 100)} %`;
      this.#status.replaceChildren(
        element('span', { class: 'spinner codicon codicon-loading', 'aria-hidden': 'true' }),
        words,
      );
    } else if (state === 'stopped') {
      this.#status.replaceChildren(element('span', { class: 'muted' }, 'Stopped.'));
    } else if (state === 'failed') {
      this.#status.replaceChildren(
        element('span', { class: 'problem', role: 'alert' }, problem ?? 'The question failed.'),
      );
    } else {
      this.#status.replaceChildren();
    }
  }

  #showAfter(): void {
    const { state, id, citations, stats, size, answer } = this.#turn;
    this.#after.replaceChildren();
    if (state === 'waiting' || state === 'answering') {
      return;
    }
    if (citations.length > 0) {
      this.#after.append(this.#citations(citations));
    }
    const left = size === undefined ? undefined : leftOut(size);
    if (left !== undefined) {
      this.#after.append(left);
    }
    const foot = element('div', { class: 'foot' });
    foot.append(iconButton('refresh', 'Ask again', () => this.#send({ kind: 'retry', turn: id })));
    if (answer !== '') {
      foot.append(iconButton('copy', 'Copy answer', () => this.#send({ kind: 'copy', turn: id })));
    }
    if (stats !== undefined) {
      foot.append(element('span', { class: 'muted stats' }, describeStats(stats)));
    }
    this.#after.append(foot);
  }

  #citations(citations: readonly CitationView[]): HTMLElement {
    const heading = element('h3', { class: 'after-heading' }, 'Sources');
    const list = element('ol', { class: 'citations' });
    for (const [index, citation] of citations.entries()) {
      const { path, firstLine, lastLine, share } = citation;
      const lines = firstLine === lastLine ? `${firstLine}` : `${firstLine}-${lastLine}`;
      const percent = `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
      const open = () => this.#send({ kind: 'openCitation', turn: this.#turn.id, index });
      const button = element('button', {
        type: 'button',
        class: 'citation',
        title: `Open ${path}:${lines}`,
        on: { click: open },
      });
      const bar = element('span', { class: 'share-bar', 'aria-hidden': 'true' });
      bar.style.setProperty('--share', String(share));
      button.append(
        element('span', { class: 'citation-path' }, `${path}:${lines}`),
        element('span', { class: 'citation-share' }, percent),
        bar,
      );
      list.append(element('li', {}, button));
    }
    return element('section', { class: 'citation-list' }, heading, list);
  }
}

/** Lists what was left out of the prompt or cut, and why. */
function leftOut(size: AskSize): HTMLElement | undefined {
  const missing = size.parts.filter(({ reason }) => reason !== undefined);
  if (missing.length === 0) {
    return undefined;
  }
  const details = element('details', { class: 'left-out' });
  details.append(
    element(
      'summary',
      {},
      missing.length === 1 ? '1 part was left out or cut' : `${missing.length} parts were left out or cut`,
    ),
  );
  const list = element('ul');
  for (const { label, tokens, includedTokens, reason } of missing) {
    const share = includedTokens > 0 && tokens !== undefined ? ` (${includedTokens} of ${tokens} tokens)` : '';
    list.append(element('li', {}, `${label}: ${reason ?? ''}${share}`));
  }
  details.append(list);
  return details;
}

/** The figures of an answer on one line. */
function describeStats({ tokens, tokensPerSecond, firstTokenMs, reusedTokens, fedTokens }: StatsView): string {
  return [
    `${formatCount(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`,
    ...(tokensPerSecond > 0 ? [`${tokensPerSecond.toFixed(tokensPerSecond < 10 ? 1 : 0)} per second`] : []),
    `first token after ${formatMs(firstTokenMs)}`,
    `${formatCount(fedTokens)} prompt tokens processed, ${formatCount(reusedTokens)} reused`,
  ].join(' · ');
}
