/**
 * Where each limit stands of what goes between the editor, its pages and the server, and of what is stored: whoever makes a
 * value cuts it to its limit, and whoever checks one takes it up to there. Texts are counted in UTF-16 units.
 */
export const limits = {
  /** Made here: a number, a hash. Nothing from outside is an id. */
  id: 100,
  /** A name or a place, as it is shown. */
  label: 1000,
  /** What went wrong and what to do, with the paths that it names. */
  problem: 4000,
  title: 200,
  /** The longest path of any system, 32,767 units, with each byte of it as `%XX`, and what stands before it. */
  uri: 300_000,
  time: 40,
  question: 256 * 1024,
  /** An answer, a selection, a text that goes along. */
  text: 4 * 1024 * 1024,
  /** The texts that go along with one question, all of them. */
  textsTogether: 8 * 1024 * 1024,
  /** A text of this length is never too long for the tokenizer, which takes 4 MiB of UTF-8. */
  tokenized: 1024 * 1024,

  chips: 200,
  references: 200,
  attachments: 200,
  candidates: 200,
  citations: 100,
  /** Of what a prompt consists of. */
  sizeParts: 1000,
  turns: 10_000,
  /** Earlier turns that a question brings with it. */
  history: 1000,
  /** Messages of another chat, texts whose tokens are counted. */
  messages: 1000,
  /** Shown in the list; searching finds the others. */
  conversations: 1000,
  /** Rows of the dashboard's table, and its measurements. */
  files: 5000,
  samples: 10_000,

  /** Of one conversation on the disk, in units of its JSON. */
  conversationFile: 32 * 1024 * 1024,

  /** A name that a model or a device gives itself. */
  name: 200,
} as const;
