/**
 * What became of the last offer in a document: accepted, typed along, or read and not wanted. LSP does not tell, but the
 * edits do. A place where an offer was in view for a moment, then left for other text, and come back to later, is not
 * offered anything by itself again for a while; who mistyped and comes back at once gets the offer back.
 */

import type { Suggestion } from './suggestion';
import type { CachedPlace } from './suggestion-cache';

interface Offer extends CachedPlace {
  /** All that could be accepted; the first was shown. */
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

/** Milliseconds: in view for so long, it was read; away for so long, it was no slip; and so long it stays quiet. */
const readMs = 600;
const slipMs = 1500;
const quietMs = 120_000;
const maxDismissed = 20;
const beforeChars = 200;
const afterChars = 100;

export class Offers {
  readonly #shown = new Map<string, Shown>();
  readonly #dismissed = new Map<string, Dismissed[]>();

  shown(offer: Offer, now: number): void {
    this.#shown.set(offer.uri, { ...offer, shownAt: now });
  }

  /**
   * The document has changed.
   * @returns the offset behind an offer that was accepted by this, else undefined
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

/** The typed text begins the offer; closing characters behind it are the editor's. */
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
