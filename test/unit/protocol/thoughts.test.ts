import { describe, expect, test } from 'vitest';
import { OpenedThought } from '../../../language-server/chat/answer-text';
import { codeParts, readAnswer, withoutThoughts } from '../../../language-server/protocol/answer/answer';
import { AnswerAfterThought, withoutFirstThought } from '../../../language-server/protocol/thoughts';

const kinds = (text: string, ended = true) => readAnswer(text, 0, [], ended).map(({ kind }) => kind);
const fence = '```';

describe('a thought of a reasoning model', () => {
  test.each([
    ['with both marks', '<think>\nhm\n</think>\n\nAnswer.'],
    ['without its opening mark', 'hm\n</think>\n\nAnswer.'],
    [
      'without its opening mark, with code',
      `Let me see:\n\n${fence}ts\nconst wrong = 1;\n${fence}\n\nNo.\n</think>\n\nAnswer.`,
    ],
    ['without its opening mark, ended in a sentence', 'Okay, it is short.</think>\nAnswer.'],
    ['that is empty', '<think>\n\n</think>\n\nAnswer.'],
    ['named otherwise', '<thinking>\nhm\n</thinking>\nAnswer.'],
    ['named reasoning, without its opening mark', 'hm\n</reasoning>\nAnswer.'],
    ['of Seed', '<seed:think>hm</seed:think>Answer.'],
    ['of Magistral', '[THINK]hm[/THINK]Answer.'],
    ['of Kimi', '◁think▷hm◁/think▷Answer.'],
    ['that quotes its own closing mark', '<think>\nIt ends with `</think>`, I know.\n</think>\nAnswer.'],
  ])('is left out of the answer: %s', (_name, text) => {
    expect(kinds(text)).toEqual(['thought', 'markdown']);
    expect(withoutThoughts(text)).toBe('Answer.');
    expect(withoutFirstThought(text)).toBe('Answer.');
    expect(codeParts(text)).toEqual([]);
  });

  test.each([
    ['in backticks', 'Use `<think>` and `</think>` around it.\nDone.'],
    ['at the beginning of a line, in a sentence', 'Marks:\n<think> is what a reasoning model writes first.\nDone.'],
    ['at the beginning of the answer, in a sentence', '<think> is what a reasoning model writes first.\nDone.'],
    ['both on one line', 'So:\n<think>…</think> marks what it thinks.\nDone.'],
    ['alone on a line, and never closed', 'It begins with\n<think>\nand so on.'],
    ['as the closing one, in a sentence', 'The tag </think> ends it.\nDone.'],
    ['as the closing one, in backticks at the end of a line', 'It ends with `</think>`\nDone.'],
  ])('does not begin at a mark that is only mentioned: %s', (_name, text) => {
    expect(kinds(text)).toEqual(['markdown']);
    expect(withoutFirstThought(text)).toBe(text);
  });

  test('is code when it is in a fence', () => {
    const text = `A template:\n\n${fence}xml\n<think>\nhm\n</think>\n${fence}\n\nDone.`;
    expect(kinds(text)).toEqual(['markdown', 'code', 'markdown']);
    const closing = `It ends so:\n\n${fence}\n</think>\n${fence}\n`;
    expect(kinds(closing)).toEqual(['markdown', 'code']);
  });

  test('needs no closing mark at the beginning of an answer', () => {
    expect(kinds('<think>\nstill', false)).toEqual(['thought']);
    expect(kinds('<think>\nstill')).toEqual(['thought']);
    expect(withoutFirstThought('<think>\nstill')).toBe('');
  });
});

test.each([[1], [2], [7]])('streaming leaves out the thought when it comes in pieces of %i', (size) => {
  const given = (text: string) => {
    const answer = new AnswerAfterThought();
    let shown = '';
    for (let at = 0; at < text.length; at += size) {
      shown += answer.push(text.slice(at, at + size));
    }
    return shown;
  };
  expect(given('<think>\nhm\n</think>\n\nAnswer: <b>.')).toBe('Answer: <b>.');
  expect(given('  Plain <think> answer.')).toBe('  Plain <think> answer.');
  expect(given('<thin ice')).toBe('<thin ice');
  expect(given('<think>\nnever ends')).toBe('');
});

test('the mark that a template opened is put before the answer once, and not when the model writes it itself', () => {
  const whole = (mark: string | undefined, ...deltas: string[]) => {
    let text = '';
    const opened = new OpenedThought(mark, (delta) => {
      text += delta;
    });
    for (const delta of deltas) {
      opened.push(delta);
    }
    return [text, opened.whole(deltas.join(''))];
  };
  expect(whole('<think>', 'hm', '\n</think>\nyes')).toEqual(Array(2).fill('<think>\nhm\n</think>\nyes'));
  expect(whole('<think>', '<think>', 'hm')).toEqual(Array(2).fill('<think>hm'));
  expect(whole(undefined, 'a', 'b')).toEqual(['ab', 'ab']);
});
