/**
 * Stores the conversations of a workspace, one file each. A file is written under a new temporary name, flushed and renamed, and
 * the folder is flushed, so a crash leaves the old one or the new one. No link in the folder is written through. A file that
 * cannot be read costs only its own conversation. An invalid entry in a file costs only itself: it is logged, and the original
 * file is kept.
 */

import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import * as path from 'node:path';
import { cutEnd } from '../../../language-server/protocol/cut';
import { limits } from '../../../language-server/protocol/limits';
import { checkMessage, MessageError } from '../../../language-server/protocol/validate';
import { type Conversation, conversationShapes } from './conversation';
import { storedJson } from './stored-json';

const version = 1;
/** The ending of the copy of a file as it was before invalid entries were left out. */
const originalSuffix = '.as-it-was';
/** The maximum number of entries that a line in the log names. */
const maxNamed = 20;

export class ConversationStore {
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  /** The latest state of all conversations; undefined until the folder is read. */
  #known: Promise<Map<string, Conversation>> | undefined;
  /** The last write of each conversation, which the next one waits for. */
  readonly #writing = new Map<string, Promise<void>>();
  /** Conversations that had invalid entries when they were read, until they are written. */
  readonly #incomplete = new Set<string>();
  /** The last warning about each conversation that is not stored completely. */
  readonly #lastWarnings = new Map<string, string>();

  constructor(folder: string, warn: (message: string) => void) {
    this.#folder = folder;
    this.#warn = warn;
  }

  /** @returns all conversations, the latest first */
  async list(): Promise<readonly Conversation[]> {
    const known = await this.#load();
    return [...known.values()].sort((left, right) => (left.changed < right.changed ? 1 : -1));
  }

  async get(id: string): Promise<Conversation | undefined> {
    return (await this.#load()).get(id);
  }

  /** Finds conversations whose title, questions and answers contain all words. `found` is the text around the first match. */
  async search(query: string): Promise<readonly { readonly conversation: Conversation; readonly found?: string }[]> {
    const words = query
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== '');
    const all = await this.list();
    if (words.length === 0) {
      return all.map((conversation) => ({ conversation }));
    }
    return all.flatMap((conversation) => {
      const texts = [conversation.title, ...conversation.turns.flatMap(({ question, answer }) => [question, answer])];
      const lower = texts.map((one) => one.toLowerCase());
      if (!words.every((word) => lower.some((one) => one.includes(word)))) {
        return [];
      }
      const index = lower.findIndex((one) => one.includes(words[0] ?? ''));
      return [{ conversation, found: excerpt(texts[index] ?? '', words[0] ?? '') }];
    });
  }

  /** Saves in memory, then on disk. A write that fails is logged, and tried again with the next change. */
  async save(conversation: Conversation): Promise<void> {
    (await this.#load()).set(conversation.id, conversation);
    const before = this.#writing.get(conversation.id) ?? Promise.resolve();
    const write = before.then(() => this.#write(conversation.id));
    this.#writing.set(conversation.id, write);
    await write;
    if (this.#writing.get(conversation.id) === write) {
      this.#writing.delete(conversation.id);
    }
  }

  async rename(id: string, title: string): Promise<void> {
    const conversation = await this.get(id);
    if (conversation !== undefined && title.trim() !== '') {
      await this.save({ ...conversation, title: cutEnd(title.trim(), limits.title) });
    }
  }

  async delete(id: string): Promise<void> {
    (await this.#load()).delete(id);
    await this.#writing.get(id);
    this.#incomplete.delete(id);
    this.#lastWarnings.delete(id);
    await rm(this.#file(id), { force: true });
    await rm(`${this.#file(id)}${originalSuffix}`, { force: true });
  }

  /** Reads the folder once. Callers that come meanwhile continue in their order. */
  #load(): Promise<Map<string, Conversation>> {
    this.#known ??= this.#readAll();
    return this.#known;
  }

  async #readAll(): Promise<Map<string, Conversation>> {
    const known = new Map<string, Conversation>();
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) {
      const file = path.join(this.#folder, name);
      if (name.endsWith('.tmp')) {
        await rm(file, { force: true });
      } else if (name.endsWith('.json')) {
        const conversation = await this.#read(file);
        if (conversation !== undefined) {
          known.set(conversation.id, conversation);
        }
      }
    }
    return known;
  }

  async #read(file: string): Promise<Conversation | undefined> {
    const left: string[] = [];
    try {
      // a UTF-16 unit takes at most three bytes in UTF-8
      if ((await stat(file)).size > 3 * limits.conversationFile) {
        throw new MessageError('it is too large');
      }
      const content = await readFile(file, 'utf8');
      const {
        kind: _kind,
        version: written,
        ...stored
      } = checkMessage(conversationShapes, { kind: 'conversation', ...JSON.parse(content) }, (what) => left.push(what));
      if (written !== version || this.#file(stored.id) !== file) {
        throw new MessageError('its version or its name is wrong');
      }
      if (stored.turns.length === 0 && left.length > 0) {
        throw new MessageError(left.slice(0, maxNamed).join('; '));
      }
      if (left.length > 0) {
        this.#incomplete.add(stored.id);
        this.#warn(`Invalid entries of the conversation in ${file} were left out: ${named(left)}`);
      }
      // an answer that was being generated when the window closed has ended
      const turns = stored.turns.map((one) =>
        one.state === 'waiting' || one.state === 'answering' ? { ...one, state: 'stopped' as const } : one,
      );
      return { ...stored, turns };
    } catch (error) {
      this.#warn(`The conversation in ${file} cannot be read and is left where it is: ${String(error)}`);
      return undefined;
    }
  }

  async #write(id: string): Promise<void> {
    const conversation = (await this.#load()).get(id);
    if (conversation === undefined) {
      return;
    }
    const file = this.#file(id);
    const temporary = `${file}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
    try {
      await mkdir(this.#folder, { recursive: true });
      const handle = await open(temporary, 'wx', 0o600);
      try {
        const { json, left } = storedJson({ version, ...conversation });
        await handle.writeFile(json);
        await handle.sync();
        this.#warnIncomplete(conversation, left);
      } finally {
        await handle.close();
      }
      if (this.#incomplete.has(id)) {
        await copyAnew(file, `${file}${originalSuffix}`);
        this.#incomplete.delete(id);
      }
      await rename(temporary, file);
      await flushFolder(this.#folder);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      this.#warn(`The conversation was not saved: ${String(error)}`);
    }
  }

  /** Warns once for all the writes of one answer. */
  #warnIncomplete({ id, title }: Conversation, left: readonly string[]): void {
    const words = left.length === 0 ? '' : `The conversation "${title}" is not stored completely: ${named(left)}`;
    if (words !== '' && words !== this.#lastWarnings.get(id)) {
      this.#warn(words);
    }
    this.#lastWarnings.set(id, words);
  }

  #file(id: string): string {
    // an id from a file or a message must not lead to another folder
    return path.join(this.#folder, `${id.replace(/[^\w-]/g, '_')}.json`);
  }
}

/** Copies to a new file: what is in its place, such as a link, is removed and not written to. */
async function copyAnew(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  await copyFile(from, to, constants.COPYFILE_EXCL);
}

/** Makes the rename survive a power cut. Not every system can do this; the new file is whole in any case. */
async function flushFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0));
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // Windows cannot open folders
  }
}

function named(left: readonly string[]): string {
  const more = left.length > maxNamed ? `; and ${left.length - maxNamed} more` : '';
  return `${left.slice(0, maxNamed).join('; ')}${more}`;
}

function excerpt(content: string, word: string): string {
  const at = Math.max(0, content.toLowerCase().indexOf(word) - 40);
  return `${at > 0 ? '…' : ''}${content.slice(at, at + 120).replace(/\s+/g, ' ')}`;
}
