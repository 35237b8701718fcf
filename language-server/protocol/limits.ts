/**
 * The limits of what is sent between the editor, its pages and the server, and of what is stored. Code that makes a value
 * cuts it to its limit, and code that checks one accepts it up to there. Texts are counted in UTF-16 units.
 */
export const limits = {
  /** Ids are made by this project: a number, a hash. Nothing from outside is an id. */
  id: 100,
  /** A name or a place as it is shown. */
  label: 1000,
  /** What went wrong and what to do, with the paths that it names. */
  problem: 4000,
  title: 200,
  /** The longest path of any system, 32,767 units, with each byte as `%XX`, and what is before it in a URI. */
  uri: 300_000,
  time: 40,
  question: 256 * 1024,
  /** An answer, a selection, or an attached text. */
  text: 4 * 1024 * 1024,
  /** All texts that are attached to one question, together. */
  textsTogether: 8 * 1024 * 1024,
  /** A text of this length is never too long for the tokenizer, whose maximum is 4 MiB of UTF-8. */
  tokenized: 1024 * 1024,

  chips: 200,
  references: 200,
  attachments: 200,
  candidates: 200,
  citations: 100,
  /** The parts of a prompt, as they are listed. */
  sizeParts: 1000,
  turns: 10_000,
  /** Earlier turns that are sent with a question. */
  history: 1000,
  /** Messages of the editor's own chat, and texts whose tokens are counted. */
  messages: 1000,
  /** Conversations in the list; a search finds the others. */
  conversations: 1000,
  /** Rows of the dashboard's table. `samples` limits its measurements. */
  files: 5000,
  samples: 10_000,

  /** One conversation on disk, in UTF-16 units of its JSON. */
  conversationFile: 32 * 1024 * 1024,

  /** A name that a model or a device gives itself. */
  name: 200,
} as const;
