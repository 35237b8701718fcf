/** The layout that a chat template gives to messages, and the messages between the server and the process that makes it. */

export type Role = 'system' | 'user' | 'assistant';

/** The text that a template puts around messages of certain roles, whatever their contents. */
export interface Layout {
  /** The text of the template: before the first content, between each two, and after the last. */
  readonly pieces: readonly string[];
  /** Whether the instructions are part of the first question, because the template knows no system message. */
  readonly systemInUser: boolean;
}

export interface LayoutRequest {
  readonly source: string;
  readonly roles: readonly Role[];
}

export interface LayoutFailure {
  /** The end of a sentence that begins with "it cannot be used:". */
  readonly problem: string;
  /** Whether the template must not be run again for any roles: it exceeded limits that a well-meant one stays within. */
  readonly final: boolean;
}

export type LayoutAnswer = Layout | LayoutFailure;

/** The message of the template's process that it is ready. */
export const ready = 'ready';

export const tooLong: LayoutFailure = { problem: 'its result is too long', final: true };

export function tooSlow(milliseconds: number): LayoutFailure {
  return { problem: `it took more than ${milliseconds / 1000} seconds`, final: true };
}
