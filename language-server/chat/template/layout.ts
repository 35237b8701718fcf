/** What a chat template makes of messages, and what its process is asked and answers. */

export type Role = 'system' | 'user' | 'assistant';

/** What a template makes of messages of these roles, whatever they say. */
export interface Layout {
  /** The template's own text: before the first content, between two, after the last. */
  readonly pieces: readonly string[];
  /** The instructions stand in front of the first question: the template knows no system message. */
  readonly systemInUser: boolean;
}

export interface LayoutRequest {
  readonly source: string;
  readonly roles: readonly Role[];
}

export interface LayoutFailure {
  /** Goes behind "it cannot be used:". */
  readonly problem: string;
  /** The template is not to be run again, whatever the roles: it took what one that means well does not take. */
  readonly final: boolean;
}

export type LayoutAnswer = Layout | LayoutFailure;

/** What the template's process says when it can be asked. */
export const ready = 'ready';

export const tooLong: LayoutFailure = { problem: 'its result is too long', final: true };

export function tooSlow(milliseconds: number): LayoutFailure {
  return { problem: `it took more than ${milliseconds / 1000} seconds`, final: true };
}
