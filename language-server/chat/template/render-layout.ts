/** Runs a chat template on placeholders instead of contents. It may be hostile, so this runs in a process of its own. */

import vm from 'node:vm';
import { Template } from '@huggingface/jinja';
import { isRecord } from '../../protocol/validate';
import { type Layout, type LayoutAnswer, type LayoutFailure, type LayoutRequest, tooLong, tooSlow } from './layout';

const maxRenderedChars = 1024 * 1024;
/** Limit for the text of the template, which is tokenized for each question. */
const maxOwnChars = 256 * 1024;
/** Limit for all forms together. It ends nearly everything that a template can run; the rest ends with the process. */
const maxRenderMs = 2000;

/** A form in which a template may take its messages. */
interface Form {
  readonly systemInUser: boolean;
  /** Whether contents are lists of parts, as in templates of models that read images. */
  readonly inParts: boolean;
}

export function renderLayout(request: LayoutRequest): LayoutAnswer {
  try {
    // the timeout of a script also ends the functions that it calls
    let answer: LayoutAnswer = tooSlow(maxRenderMs);
    const run = () => {
      answer = makeLayout(request);
    };
    vm.runInNewContext('run()', { run }, { timeout: maxRenderMs });
    return answer;
  } catch (error) {
    // the error comes from the other context, which has its own class Error
    const timedOut = isRecord(error) && error['code'] === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    return timedOut ? tooSlow(maxRenderMs) : failureOf(error);
  }
}

/** Tries the forms in turn: in the right one, every content comes out once and in order. */
function makeLayout({ source, roles }: LayoutRequest): LayoutAnswer {
  const merges = roles[0] === 'system' && roles[1] === 'user';
  const forms: readonly Form[] = [false, true].flatMap((inParts) => [
    { systemInUser: false, inParts },
    ...(merges ? [{ systemInUser: true, inParts }] : []),
  ]);
  let failure: LayoutFailure | undefined;
  for (const form of forms) {
    const answer = layoutIn(form, source, form.systemInUser ? roles.slice(1) : roles);
    if ('pieces' in answer || answer.final) {
      return answer;
    }
    // the failure in the usual form is the one that tells most
    failure ??= answer;
  }
  return failure ?? { problem: 'it takes no messages', final: false };
}

function layoutIn({ systemInUser, inParts }: Form, source: string, roles: LayoutRequest['roles']): LayoutAnswer {
  const marks = makeMarks(roles.length);
  let rendered: string;
  try {
    rendered = render(source, roles, marks, inParts);
  } catch (error) {
    return failureOf(error);
  }
  if (rendered.length > maxRenderedChars) {
    return tooLong;
  }
  const pieces = piecesOf(rendered, marks);
  if ('problem' in pieces) {
    return pieces;
  }
  const ownChars = pieces.pieces.reduce((sum, { length }) => sum + length, 0);
  return ownChars > maxOwnChars ? tooLong : { ...pieces, systemInUser };
}

function piecesOf(rendered: string, marks: readonly string[]): Pick<Layout, 'pieces'> | LayoutFailure {
  const pieces: string[] = [];
  let rest = rendered;
  for (const mark of marks) {
    const at = rest.indexOf(mark);
    if (at === -1 || rest.includes(mark, at + mark.length)) {
      return { problem: at === -1 ? 'it leaves a message out' : 'it repeats a message', final: false };
    }
    pieces.push(rest.slice(0, at));
    rest = rest.slice(at + mark.length);
  }
  return { pieces: [...pieces, rest] };
}

/** Placeholders for the contents while the template runs, of letters and digits only, so that no filter changes them. */
function makeMarks(count: number): string[] {
  const nonce = crypto.randomUUID().replaceAll('-', '');
  return Array.from({ length: count }, (_, index) => `content${nonce}n${index}e`);
}

function render(source: string, roles: LayoutRequest['roles'], marks: readonly string[], inParts: boolean): string {
  const contentOf = (index: number) => {
    const text = marks[index] ?? '';
    return inParts ? [{ type: 'text', text }] : text;
  };
  return new Template(source).render({
    messages: roles.map((role, index) => ({ role, content: contentOf(index) })),
    add_generation_prompt: true,
    // chatPrompt puts BOS in front; its text is not known here
    bos_token: '',
    eos_token: '',
    enable_thinking: false,
    tools: null,
  });
}

const maxMessageChars = 1000;

/** A template may refuse certain roles, but one that exceeds a limit of the language does so with any. */
function failureOf(error: unknown): LayoutFailure {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, maxMessageChars);
  return error instanceof RangeError
    ? { problem: `it goes over a limit of memory (${message})`, final: true }
    : { problem: message, final: false };
}
