/** Chat templates of GGUF files, rendered within bounds: they come with a model, so they may be hostile. */

import vm from 'node:vm';
import { Template } from '@huggingface/jinja';
import type { NativeModelInfo } from '../engine/addon';
import type { Engine } from '../engine/engine';
import { EngineError } from '../engine/errors';
import { concatenate, countTokens, type TokenPart } from '../engine/token-parts';
import { openedThought } from '../protocol/thoughts';
import type { PromptText } from './prompt-texts';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  /** Tokenized with special tokens off: nothing in a file or a question can pose as the template's markup. */
  readonly content: Int32Array;
  /** What of it can be cited. */
  readonly texts?: readonly PromptText[];
}

export interface ChatPrompt {
  readonly tokens: Int32Array;
  /** Index of the first token of each message's content. */
  readonly begins: readonly number[];
  /** The mark of a thought that the template has opened: the model's text goes on inside of it. */
  readonly opensThought?: string;
}

const maxTemplateChars = 256 * 1024;
const maxRenderedChars = 1024 * 1024;
const maxRenderMs = 1000;

/**
 * The messages and the start of the assistant's next one, as tokens.
 * @throws EngineError BAD_TEMPLATE
 */
export function chatTokens(engine: Engine, messages: readonly ChatMessage[]): Int32Array {
  return chatPrompt(engine, messages).tokens;
}

/** The same, with the places of the contents. @throws EngineError BAD_TEMPLATE */
export function chatPrompt(engine: Engine, messages: readonly ChatMessage[]): ChatPrompt {
  const { pieces, systemInUser } = layoutOf(
    engine.model,
    messages.map(({ role }) => role),
  );
  const parts: TokenPart[] = [];
  const begins: number[] = [];
  const take = (index: number, message: ChatMessage | undefined) => {
    begins[index] = countTokens(parts);
    parts.push(message?.content ?? []);
  };
  let slot = 0;
  for (const [index, message] of messages.entries()) {
    if (systemInUser && index === 0) {
      continue;
    }
    parts.push(engine.tokenizeTemplate(pieces[slot++] ?? ''));
    if (systemInUser && index === 1) {
      take(0, messages[0]);
      parts.push(engine.tokenize(betweenMerged));
    }
    take(index, message);
  }
  const last = pieces[slot] ?? '';
  parts.push(engine.tokenizeTemplate(last));
  const mark = openedThought(last);
  const opens = mark === undefined ? {} : { opensThought: mark };
  const tokens = concatenate(parts);
  const { addBos, bos } = engine.model.tokens;
  return addBos && bos !== undefined && tokens[0] !== bos
    ? { tokens: concatenate([[bos], tokens]), begins: begins.map((begin) => begin + 1), ...opens }
    : { tokens, begins, ...opens };
}

type Role = ChatMessage['role'];

/** What a template makes of messages of these roles, whatever they say. */
interface Layout {
  /** The template's own text: before the first content, between two, after the last. */
  readonly pieces: readonly string[];
  /** The instructions stand in front of the first question: the template knows no system message. */
  readonly systemInUser: boolean;
}

/** Between the instructions and the question that they stand in front of. */
const betweenMerged = '\n\n';
const maxLayouts = 64;
/** By template and roles; a failure as well. Most questions of a conversation differ in what they say alone. */
const layouts = new Map<string, Layout | EngineError>();

/** @throws EngineError BAD_TEMPLATE */
function layoutOf(model: NativeModelInfo, roles: readonly Role[]): Layout {
  const key = `${roles.join(' ')}\n${model.chatTemplate ?? ''}`;
  const known = layouts.get(key);
  const layout = known ?? makeLayout(model, roles);
  if (known === undefined) {
    if (layouts.size >= maxLayouts) {
      layouts.clear();
    }
    layouts.set(key, layout);
  }
  if (layout instanceof EngineError) {
    throw layout;
  }
  return layout;
}

/** A way in which a template may take its messages. */
interface Form {
  readonly systemInUser: boolean;
  /** Contents are lists of parts, as those of models that see pictures are. */
  readonly inParts: boolean;
}

/** Every content has to come out once and in order: the first form of which that is true is the template's. */
function makeLayout(model: NativeModelInfo, roles: readonly Role[]): Layout | EngineError {
  const source = model.chatTemplate;
  if (source === undefined || source.trim() === '') {
    return { pieces: plain(roles), systemInUser: false };
  }
  if (source.length > maxTemplateChars) {
    return bad(model, `it is longer than ${maxTemplateChars} characters`);
  }
  const merges = roles[0] === 'system' && roles[1] === 'user';
  const forms: readonly Form[] = [false, true].flatMap((inParts) => [
    { systemInUser: false, inParts },
    ...(merges ? [{ systemInUser: true, inParts }] : []),
  ]);
  let failure: EngineError | undefined;
  for (const form of forms) {
    const pieces = piecesOf(model, source, form.systemInUser ? roles.slice(1) : roles, form.inParts);
    if (!(pieces instanceof EngineError)) {
      return { pieces, systemInUser: form.systemInUser };
    }
    // the first says what the template itself would say
    failure ??= pieces;
  }
  return failure ?? bad(model, 'it takes no messages');
}

function piecesOf(
  model: NativeModelInfo,
  source: string,
  roles: readonly Role[],
  inParts: boolean,
): readonly string[] | EngineError {
  const marks = makeMarks(roles.length);
  let rendered: unknown;
  try {
    rendered = render(source, roles, marks, inParts);
  } catch (error) {
    return bad(model, error instanceof Error ? error.message : String(error), error);
  }
  if (typeof rendered !== 'string' || rendered.length > maxRenderedChars) {
    return bad(model, 'its result is too long');
  }
  const pieces: string[] = [];
  let rest = rendered;
  for (const mark of marks) {
    const at = rest.indexOf(mark);
    if (at === -1 || rest.includes(mark, at + mark.length)) {
      return bad(model, at === -1 ? 'it leaves a message out' : 'it repeats a message');
    }
    pieces.push(rest.slice(0, at));
    rest = rest.slice(at + mark.length);
  }
  return [...pieces, rest];
}

/** Stand for the contents while the template runs: letters and digits alone, so that no filter changes them. */
function makeMarks(count: number): string[] {
  const nonce = crypto.randomUUID().replaceAll('-', '');
  return Array.from({ length: count }, (_, index) => `content${nonce}n${index}e`);
}

function render(source: string, roles: readonly Role[], marks: readonly string[], inParts: boolean): unknown {
  const contentOf = (index: number) => {
    const text = marks[index] ?? '';
    return inParts ? [{ type: 'text', text }] : text;
  };
  const values = {
    messages: roles.map((role, index) => ({ role, content: contentOf(index) })),
    add_generation_prompt: true,
    // a BOS goes in front of all, see chatPrompt; its text is not known here
    bos_token: '',
    eos_token: '',
    enable_thinking: false,
    tools: null,
  };
  // the timeout of a script also ends what it calls
  return vm.runInNewContext('run()', { run: () => new Template(source).render(values) }, { timeout: maxRenderMs });
}

/** For models without a template. */
function plain(roles: readonly Role[]): readonly string[] {
  const names = { system: '', user: 'Question: ', assistant: 'Answer: ' };
  const starts = roles.map((role, index) => `${index === 0 ? '' : '\n\n'}${names[role]}`);
  return [...starts, `${roles.length === 0 ? '' : '\n\n'}Answer:`];
}

function bad(model: NativeModelInfo, what: string, cause?: unknown): EngineError {
  return new EngineError('BAD_TEMPLATE', `The chat template of ${model.name} cannot be used: ${what}.`, { cause });
}
