/**
 * Owns what the user did with the suggestion that a document shows: accepted it, typed it out, or dismissed it. LSP does
 * not report that, but the edits tell. A place whose suggestion was in view for a moment, and was left for other text, gets
 * no suggestion by itself for a while; after a slip that is corrected at once, the suggestion comes back. Two others watch
 * the user: `TypingPace` (trigger/debounce.ts) owns the rhythm of the keys, and `SuggestionCache` owns the texts that were
 * generated, shown or not.
 */

import type { CachedPlace, Suggestion } from './suggestion-cache';

interface Offer extends CachedPlace {
  /** Every one of them could be accepted; the first was the one in view. */
  readonly suggestions: readonly Suggestion[];
}

interface Shown extends Offer {
  readonly shownAt: number;
}

interface Dismissed {
  readonly before: string;
  readonly after: string;
  readonly offset: number;
  readonly at: number;
}

/** Milliseconds after which a suggestion in view counts as read. */
const readMs = 600;
/** Milliseconds within which a user who comes back has corrected a slip. */
const slipMs = 1500;
/** Milliseconds for which a dismissed place stays without a suggestion. */
const quietMs = 120_000;
const maxDismissed = 20;
const beforeChars = 200;
const afterChars = 100;

export class ShownSuggestions {
  readonly #shown = new Map<string, Shown>();
  readonly #dismissed = new Map<string, Dismissed[]>();

  shown(offer: Offer, now: number): void {
    this.#shown.set(offer.uri, { ...offer, shownAt: now });
  }

  /**
   * The document has changed.
   * @returns the offset of the end of a suggestion that this change accepted; undefined: it accepted none
   */
  edited(uri: string, text: string, now: number): number | undefined {
    const offer = this.#shown.get(uri);
    if (offer === undefined) {
      return undefined;
    }
    const { offset } = offer;
    const grown = text.length - offer.text.length;
    const accepted = offer.suggestions.find(
      (one) => grown === one.text.length - one.replace && text.startsWith(one.text, offset),
    );
    if (accepted !== undefined) {
      this.#shown.delete(uri);
      return offset + accepted.text.length;
    }
    const typed = text.slice(offset, offset + Math.max(0, grown));
    if (grown < 0 || !offer.suggestions.some((one) => isAlong(one.text, typed))) {
      this.#shown.delete(uri);
      if (now - offer.shownAt >= readMs) {
        const list = this.#dismissed.get(uri) ?? [];
        list.push({ ...surroundings(offer), offset, at: now });
        this.#dismissed.set(uri, list.slice(-maxDismissed));
      }
    }
    return undefined;
  }

  isDismissed(place: CachedPlace, now: number): boolean {
    const { before, after } = surroundings(place);
    return (this.#dismissed.get(place.uri) ?? []).some(
      (one) =>
        one.offset === place.offset &&
        one.before === before &&
        one.after === after &&
        now - one.at >= slipMs &&
        now - one.at <= quietMs,
    );
  }

  closed(uri: string): void {
    this.#shown.delete(uri);
    this.#dismissed.delete(uri);
  }
}

/** The typed text is the start of the suggestion; closing characters after it were put there by the editor. */
function isAlong(insert: string, typed: string): boolean {
  let shared = 0;
  while (shared < typed.length && typed[shared] === insert[shared]) {
    shared++;
  }
  return shared === typed.length || (shared > 0 && /^[)\]}"'`]+$/.test(typed.slice(shared)));
}

function surroundings({ text, offset }: CachedPlace): { readonly before: string; readonly after: string } {
  return {
    before: text.slice(Math.max(0, offset - beforeChars), offset),
    after: text.slice(offset, offset + afterChars),
  };
}
