/** Chat templates of GGUF files, rendered within bounds: they come with a model, so they may be hostile. */

import vm from 'node:vm';
import { Template } from '@huggingface/jinja';
import type { NativeModelInfo } from '../engine/addon';
import type { Engine } from '../engine/engine';
import { EngineError } from '../engine/errors';
import { concatenate, countTokens, type TokenPart } from '../engine/token-parts';
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
  /** Index of the first token of each message's content; undefined: the template leaves that message out. */
  readonly begins: readonly (number | undefined)[];
}

const mostTemplateChars = 256 * 1024;
const mostRenderedChars = 1024 * 1024;
const mostRenderMs = 1000;

/**
 * The messages and the start of the assistant's next one, as tokens.
 * @throws EngineError BAD_TEMPLATE
 */
export function chatTokens(engine: Engine, messages: readonly ChatMessage[]): Int32Array {
  return chatPrompt(engine, messages).tokens;
}

/** The same, with the places of the contents. @throws EngineError BAD_TEMPLATE */
export function chatPrompt(engine: Engine, messages: readonly ChatMessage[]): ChatPrompt {
  const marks = makeMarks(messages.length);
  const rendered = render(engine, messages, marks);
  const parts: TokenPart[] = [];
  const begins: (number | undefined)[] = [];
  let rest = rendered;
  for (const [index, message] of messages.entries()) {
    const mark = marks[index] ?? '';
    const at = rest.indexOf(mark);
    if (at === -1) {
      // templates may leave the system message out; every other one has to be there
      if (message.role === 'system') {
        begins.push(undefined);
        continue;
      }
      throw bad(engine.model, 'it leaves a message out');
    }
    parts.push(engine.tokenizeTemplate(rest.slice(0, at)));
    begins.push(countTokens(parts));
    parts.push(message.content);
    rest = rest.slice(at + mark.length);
  }
  parts.push(engine.tokenizeTemplate(rest));
  const tokens = concatenate(parts);
  const { addBos, bos } = engine.model.tokens;
  return addBos && bos !== undefined && tokens[0] !== bos
    ? {
        tokens: concatenate([[bos], tokens]),
        begins: begins.map((begin) => (begin === undefined ? undefined : begin + 1)),
      }
    : { tokens, begins };
}

/** Stand for the contents while the template runs: letters and digits alone, so that no filter changes them. */
function makeMarks(count: number): string[] {
  const nonce = crypto.randomUUID().replaceAll('-', '');
  return Array.from({ length: count }, (_, index) => `content${nonce}n${index}e`);
}

function render(engine: Engine, messages: readonly ChatMessage[], marks: readonly string[]): string {
  const source = engine.model.chatTemplate;
  if (source === undefined || source.trim() === '') {
    return plain(messages, marks);
  }
  if (source.length > mostTemplateChars) {
    throw bad(engine.model, `it is longer than ${mostTemplateChars} characters`);
  }
  const values = {
    messages: messages.map((message, index) => ({ role: message.role, content: marks[index] ?? '' })),
    add_generation_prompt: true,
    // a BOS goes in front of all, see chatTokens; its text is not known here
    bos_token: '',
    eos_token: '',
    enable_thinking: false,
    tools: null,
  };
  let rendered: unknown;
  try {
    // the timeout of a script also ends what it calls
    rendered = vm.runInNewContext(
      'run()',
      { run: () => new Template(source).render(values) },
      { timeout: mostRenderMs },
    );
  } catch (error) {
    throw bad(engine.model, error instanceof Error ? error.message : String(error), error);
  }
  if (typeof rendered !== 'string' || rendered.length > mostRenderedChars) {
    throw bad(engine.model, 'its result is too long');
  }
  return rendered;
}

/** For models without a template. */
function plain(messages: readonly ChatMessage[], marks: readonly string[]): string {
  const names = { system: '', user: 'Question: ', assistant: 'Answer: ' };
  const lines = messages.map((message, index) => `${names[message.role]}${marks[index] ?? ''}\n\n`);
  return `${lines.join('')}Answer:`;
}

function bad(model: NativeModelInfo, what: string, cause?: unknown): EngineError {
  return new EngineError('BAD_TEMPLATE', `The chat template of ${model.name} cannot be used: ${what}.`, { cause });
}
