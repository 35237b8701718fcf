/** A conversation as it is stored. Its shape is checked when its file is read. */

import { turn } from '../../../language-server/protocol/chat-page';
import { limits } from '../../../language-server/protocol/limits';
import { type Checked, count, list, object, optional, shown, string } from '../../../language-server/protocol/validate';

const id = string(limits.id);
const uri = string(limits.uri);

/** The context that a question was asked with, so that it can be asked again. */
const asked = object({
  turn: id,
  references: list(object({ uri }), limits.references),
  selection: optional(object({ uri, text: string(), firstLine: optional(count) })),
  attachments: list(
    object({ label: shown(limits.label), text: string(), uris: optional(list(uri, limits.references)) }),
    limits.attachments,
  ),
});

/** The shape of a file, for `checkMessage`. */
export const conversationShapes = {
  conversation: {
    version: count,
    id,
    title: shown(limits.label),
    created: string(limits.time),
    changed: string(limits.time),
    turns: list(turn, limits.turns),
    asked: list(asked, limits.turns),
  },
} as const;

type StoredTurn = Checked<typeof turn>;
export type AskedWith = Checked<typeof asked>;

export interface Conversation {
  readonly id: string;
  readonly title: string;
  /** ISO 8601, like `changed`. */
  readonly created: string;
  readonly changed: string;
  readonly turns: readonly StoredTurn[];
  readonly asked: readonly AskedWith[];
}
