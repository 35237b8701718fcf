/** Writes a conversation as Markdown that other readers of Markdown show in the same way. */

import type { Conversation } from './conversation';

export function toMarkdown(conversation: Conversation): string {
  const parts = [`# ${oneLine(conversation.title)}`, `${conversation.created.slice(0, 10)}`];
  for (const turn of conversation.turns) {
    const command = turn.command === undefined ? '' : `/${turn.command} `;
    parts.push('## Question', `${command}${turn.question}`.trim());
    if (turn.chips.length > 0) {
      parts.push(`Context: ${turn.chips.map(({ label }) => code(label)).join(', ')}`);
    }
    parts.push('## Answer', turn.answer.trim() === '' ? (turn.problem ?? '(none)') : closedFences(turn.answer.trim()));
    if (turn.state === 'stopped') {
      parts.push('(stopped)');
    }
    if (turn.citations.length > 0) {
      const lines = turn.citations.map(
        ({ path, firstLine, lastLine, share }) =>
          `- ${code(`${path}:${firstLine}-${lastLine}`)} ${(share * 100).toFixed(1)} %`,
      );
      parts.push(`Sources:\n\n${lines.join('\n')}`);
    }
  }
  return `${parts.join('\n\n')}\n`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

function code(text: string): string {
  return `\`${oneLine(text).replaceAll('`', "'")}\``;
}

/** Closes a code block that a stopped answer left open. */
function closedFences(text: string): string {
  const open = text.split('\n').reduce<string | undefined>((fence, line) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (mark === undefined) {
      return fence;
    }
    return fence === undefined ? mark : line.trim().startsWith(fence) ? undefined : fence;
  }, undefined);
  return open === undefined ? text : `${text}\n${open}`;
}
