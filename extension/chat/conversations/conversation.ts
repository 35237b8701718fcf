/** A conversation as it is kept: its shape is checked when its file is read. */

import { turn } from '../../../language-server/protocol/chat-page';
import { limits } from '../../../language-server/protocol/limits';
import { type Checked, count, list, object, optional, shown, text } from '../../../language-server/protocol/validate';

const id = text(limits.id);
const uri = text(limits.uri);

/** What a question was asked with, so that it can be asked again. */
const asked = object({
  turn: id,
  references: list(object({ uri }), limits.references),
  selection: optional(object({ uri, text: text(), firstLine: optional(count) })),
  attachments: list(
    object({ label: shown(limits.label), text: text(), uris: optional(list(uri, limits.references)) }),
    limits.attachments,
  ),
});

/** Of a file of one, as `checkMessage` takes it. */
export const conversationShapes = {
  conversation: {
    version: count,
    id,
    title: shown(limits.label),
    created: text(limits.time),
    changed: text(limits.time),
    turns: list(turn, limits.turns),
    asked: list(asked, limits.turns),
  },
} as const;

type StoredTurn = Checked<typeof turn>;
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
