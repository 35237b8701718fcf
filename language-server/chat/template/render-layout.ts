/** Runs a chat template on marks instead of contents, in a process of its own: it may be hostile, see template-process.ts. */

import vm from 'node:vm';
import { Template } from '@huggingface/jinja';
import { isRecord } from '../../protocol/validate';
import { type Layout, type LayoutAnswer, type LayoutFailure, type LayoutRequest, tooLong, tooSlow } from './layout';

const maxRenderedChars = 1024 * 1024;
/** Of the template's own text, which is tokenized for each question. */
const maxOwnChars = 256 * 1024;
/** For all forms; nearly all that a template can run is ended by it, the rest with the process. */
const maxRenderMs = 2000;

/** A way in which a template may take its messages. */
interface Form {
  readonly systemInUser: boolean;
  /** Contents are lists of parts, as those of models that see pictures are. */
  readonly inParts: boolean;
}

export function renderLayout(request: LayoutRequest): LayoutAnswer {
  try {
    // the timeout of a script also ends what it calls
    let answer: LayoutAnswer = tooSlow(maxRenderMs);
    const run = () => {
      answer = makeLayout(request);
    };
    vm.runInNewContext('run()', { run }, { timeout: maxRenderMs });
    return answer;
  } catch (error) {
    // it is an error of the other context, which has an Error of its own
    const timedOut = isRecord(error) && error['code'] === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
    return timedOut ? tooSlow(maxRenderMs) : failureOf(error);
  }
}

/** Every content has to come out once and in order: the first form of which that is true is the template's. */
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
    // the first says what the template itself would say
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

/** Stand for the contents while the template runs: letters and digits alone, so that no filter changes them. */
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
    // a BOS goes in front of all, see chatPrompt; its text is not known here
    bos_token: '',
    eos_token: '',
    enable_thinking: false,
    tools: null,
  });
}

const maxMessageChars = 1000;

/** The template's own refusal is of these roles alone; what goes over a limit of the language does so with all. */
function failureOf(error: unknown): LayoutFailure {
  const message = (error instanceof Error ? error.message : String(error)).slice(0, maxMessageChars);
  return error instanceof RangeError
    ? { problem: `it goes over a limit of memory (${message})`, final: true }
    : { problem: message, final: false };
}
