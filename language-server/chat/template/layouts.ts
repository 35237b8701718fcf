/** Layouts of chat templates: each is made once, and a template that failed is known by its failure. */

import { EngineError } from '../../base/errors';
import { wellFormed } from '../../base/text';
import type { NativeModelInfo } from '../../engine/native/addon';
import { hiddenCharacter } from '../../protocol/hidden-characters';
import type { Layout, LayoutAnswer, LayoutRequest, Role } from './layout';
import { TemplateProcess } from './template-process';

type LayoutsModel = Pick<NativeModelInfo, 'name' | 'chatTemplate'>;

/** What is known of a model's template. */
interface KnownTemplate {
  /** By roles; failures as well. Most questions of a conversation differ in what they say alone. */
  readonly layouts: Map<string, Promise<Layout>>;
  /** It is not run any more. */
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
   * What the model's template makes of messages of these roles.
   * @throws EngineError BAD_TEMPLATE, the same one each time; INTERNAL, CANCELLED: the next time it is tried again
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

  /** Ends what runs. */
  close(): void {
    this.#process.close();
  }

  #known(name: string, source: string): KnownTemplate {
    const key = `${name}\n${source}`;
    const known = this.#templates.get(key) ?? { layouts: new Map<string, Promise<Layout>>() };
    keep(this.#templates, key, known, maxTemplates);
    return known;
  }

  /** One after the other: what ends the process has ended itself alone. */
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

/** Puts an entry last; drops the first when there are too many. */
function keep<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  const first = map.keys().next();
  if (map.size >= most && first.done !== true) {
    map.delete(first.value);
  }
  map.set(key, value);
}

/** For models without a template. */
function plain(roles: readonly Role[]): readonly string[] {
  const names = { system: '', user: 'Question: ', assistant: 'Answer: ' };
  const starts = roles.map((role, index) => `${index === 0 ? '' : '\n\n'}${names[role]}`);
  return [...starts, `${roles.length === 0 ? '' : '\n\n'}Answer:`];
}

/** @param reason may be the template's own words */
function bad({ name }: LayoutsModel, reason: string): EngineError {
  const shown = wellFormed(reason.slice(0, maxReasonChars)).replace(/\s+/g, ' ').replace(hiddenCharacter, '').trim();
  return new EngineError('BAD_TEMPLATE', `The chat template of ${name} cannot be used: ${shown.replace(/\.$/, '')}.`);
}
