/** Caches the layouts of chat templates: each one is made once, and a failure is remembered as well. */

import { EngineError } from '../../base/errors';
import { wellFormed } from '../../base/text';
import type { NativeModelInfo } from '../../engine/native/addon';
import { hiddenCharacter } from '../../protocol/hidden-characters';
import type { Layout, LayoutAnswer, LayoutRequest, Role } from './layout';
import { TemplateProcess } from './template-process';

type LayoutsModel = Pick<NativeModelInfo, 'name' | 'chatTemplate'>;

/** What is known about the template of a model. */
interface KnownTemplate {
  /** Layouts and failures, by the sequence of roles: most questions differ only in their contents. */
  readonly layouts: Map<string, Promise<Layout>>;
  /** The failure after which the template is not run any more. */
  failure?: EngineError;
}

const maxTemplateChars = 256 * 1024;
const maxTemplates = 4;
const maxLayouts = 64;
const maxReasonChars = 200;

export class Layouts {
  readonly #process: Pick<TemplateProcess, 'render' | 'close'>;
  readonly #templates = new Map<string, KnownTemplate>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(process: Pick<TemplateProcess, 'render' | 'close'> = new TemplateProcess()) {
    this.#process = process;
  }

  /**
   * The layout that the template of the model gives to messages of these roles.
   * @throws EngineError BAD_TEMPLATE, which is the same one each time; INTERNAL or CANCELLED, after which it is tried again
   */
  async layoutOf(model: LayoutsModel, roles: readonly Role[]): Promise<Layout> {
    const source = model.chatTemplate;
    if (source === undefined || source.trim() === '') {
      return { pieces: plain(roles), systemInUser: false };
    }
    const known = this.#known(model.name, source);
    const key = roles.join(' ');
    const earlier = known.layouts.get(key);
    if (earlier !== undefined) {
      return earlier;
    }
    const layout = this.#make(known, model, { source, roles });
    keep(known.layouts, key, layout, maxLayouts);
    layout.catch((error: unknown) => {
      if (!(error instanceof EngineError) || error.code !== 'BAD_TEMPLATE') {
        known.layouts.delete(key);
      }
    });
    return layout;
  }

  /** Ends the process, and whatever runs in it. */
  close(): void {
    this.#process.close();
  }

  #known(name: string, source: string): KnownTemplate {
    const key = `${name}\n${source}`;
    const known = this.#templates.get(key) ?? { layouts: new Map<string, Promise<Layout>>() };
    keep(this.#templates, key, known, maxTemplates);
    return known;
  }

  /** Templates run one after another, so that one that ends the process takes no other with it. */
  #make(known: KnownTemplate, model: LayoutsModel, request: LayoutRequest): Promise<Layout> {
    const answered = this.#last.then(() => this.#ask(known, model, request));
    this.#last = answered.catch(() => undefined);
    return answered;
  }

  async #ask(known: KnownTemplate, model: LayoutsModel, request: LayoutRequest): Promise<Layout> {
    if (known.failure !== undefined) {
      throw known.failure;
    }
    const answer: LayoutAnswer =
      request.source.length > maxTemplateChars
        ? { problem: `it is longer than ${maxTemplateChars} characters`, final: true }
        : await this.#process.render(request);
    if ('pieces' in answer) {
      return answer;
    }
    const failure = bad(model, answer.problem);
    if (answer.final) {
      known.failure = failure;
    }
    throw failure;
  }
}

/** Adds an entry, and drops the oldest one when there are too many. */
function keep<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  const first = map.keys().next();
  if (map.size >= most && first.done !== true) {
    map.delete(first.value);
  }
  map.set(key, value);
}

/** The layout for models without a template. */
function plain(roles: readonly Role[]): readonly string[] {
  const names = { system: '', user: 'Question: ', assistant: 'Answer: ' };
  const starts = roles.map((role, index) => `${index === 0 ? '' : '\n\n'}${names[role]}`);
  return [...starts, `${roles.length === 0 ? '' : '\n\n'}Answer:`];
}

/** @param reason may be text of the template */
function bad({ name }: LayoutsModel, reason: string): EngineError {
  const shown = wellFormed(reason.slice(0, maxReasonChars)).replace(/\s+/g, ' ').replace(hiddenCharacter, '').trim();
  return new EngineError('BAD_TEMPLATE', `The chat template of ${name} cannot be used: ${shown.replace(/\.$/, '')}.`);
}
