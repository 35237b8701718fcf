/**
 * Conversations of a workspace, one file each. A file is written beside its place, flushed and renamed, so a crash leaves
 * the old one or the new one; a file that cannot be read costs its own conversation and no other.
 */

import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import * as path from 'node:path';
import { turn } from '../../media/chat/messages';
import { type Checked, checkMessage, count, list, MessageError, object, optional, text } from '../../media/validate';

/** What a question was asked with, so that it can be asked again. */
const asked = object({
  turn: text(100),
  references: list(object({ uri: text(10_000) }), 200),
  selection: optional(object({ uri: text(10_000), text: text(), firstLine: optional(count) })),
  attachments: list(object({ label: text(1000), text: text() }), 100),
});

const shapes = {
  conversation: {
    version: count,
    id: text(100),
    title: text(1000),
    created: text(40),
    changed: text(40),
    turns: list(turn),
    asked: list(asked),
  },
} as const;

export type StoredTurn = Checked<typeof turn>;
export type AskedWith = Checked<typeof asked>;

export interface Conversation {
  readonly id: string;
  readonly title: string;
  /** ISO 8601. */
  readonly created: string;
  readonly changed: string;
  readonly turns: readonly StoredTurn[];
  readonly asked: readonly AskedWith[];
}

const version = 1;
const mostFileBytes = 32 * 1024 * 1024;

export class ConversationStore {
  readonly #folder: string;
  readonly #warn: (message: string) => void;
  /** What was written or read last, newest content first when asked; undefined until the folder was read. */
  #known: Map<string, Conversation> | undefined;
  /** Writes of one conversation follow each other. */
  readonly #writing = new Map<string, Promise<void>>();
  #temporary = 0;

  constructor(folder: string, warn: (message: string) => void) {
    this.#folder = folder;
    this.#warn = warn;
  }

  /** Latest first. */
  async list(): Promise<readonly Conversation[]> {
    const known = await this.#load();
    return [...known.values()].sort((left, right) => (left.changed < right.changed ? 1 : -1));
  }

  async get(id: string): Promise<Conversation | undefined> {
    return (await this.#load()).get(id);
  }

  /** Title, questions and answers that hold all words; the place of the first match with it. */
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
      return [{ conversation, found: around(texts[index] ?? '', words[0] ?? '') }];
    });
  }

  /** Memory first, then the disk; a write that fails is logged, and tried again with the next change. */
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
      await this.save({ ...conversation, title: title.trim().slice(0, 200) });
    }
  }

  async delete(id: string): Promise<void> {
    (await this.#load()).delete(id);
    await this.#writing.get(id);
    await rm(this.#file(id), { force: true });
  }

  async #load(): Promise<Map<string, Conversation>> {
    if (this.#known === undefined) {
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
      // two callers may have come here at once: the first to finish counts
      this.#known ??= known;
    }
    return this.#known;
  }

  async #read(file: string): Promise<Conversation | undefined> {
    try {
      const content = await readFile(file, 'utf8');
      if (content.length > mostFileBytes) {
        throw new MessageError('it is too large');
      }
      const {
        kind: _kind,
        version: written,
        ...stored
      } = checkMessage(shapes, { kind: 'conversation', ...JSON.parse(content) });
      if (written !== version || this.#file(stored.id) !== file) {
        throw new MessageError('it is of another version, or under another name');
      }
      // what was being answered when the window went is not being answered any more
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
    const conversation = this.#known?.get(id);
    if (conversation === undefined) {
      return;
    }
    this.#temporary += 1;
    const temporary = path.join(this.#folder, `${id}-${process.pid}-${this.#temporary}.tmp`);
    try {
      await mkdir(this.#folder, { recursive: true });
      const handle = await open(temporary, 'w', 0o600);
      try {
        await handle.writeFile(JSON.stringify({ version, ...conversation }));
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, this.#file(id));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      this.#warn(`The conversation was not written: ${String(error)}`);
    }
  }

  #file(id: string): string {
    // ids are made here; one from a file or a message must not name another place
    return path.join(this.#folder, `${id.replace(/[^\w-]/g, '_')}.json`);
  }
}

function around(content: string, word: string): string {
  const at = Math.max(0, content.toLowerCase().indexOf(word) - 40);
  return `${at > 0 ? '…' : ''}${content.slice(at, at + 120).replace(/\s+/g, ' ')}`;
}
