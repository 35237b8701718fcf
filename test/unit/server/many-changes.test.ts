import { describe, expect, test, vi } from 'vitest';
import { TextDocument, type TextDocumentContentChangeEvent } from 'vscode-languageserver-textdocument';
import { asOneChange } from '../../../language-server/lsp/many-changes';
import { Random } from '../../native/tools/random';

const make = (text: string) => TextDocument.create('file:///a.ts', 'typescript', 1, text);

function change(document: TextDocument, from: number, to: number, text: string): TextDocumentContentChangeEvent {
  return { range: { start: document.positionAt(from), end: document.positionAt(to) }, text };
}

/** Of the library, one after the other. */
function applied(text: string, changes: readonly TextDocumentContentChangeEvent[]): string {
  return TextDocument.update(make(text), [...changes], 2).getText();
}

describe('many changes', () => {
  test('from the end to the beginning give what one after the other gives', () => {
    const random = new Random(7);
    for (let round = 0; round < 50; round++) {
      const text = Array.from({ length: 400 }, () => ['a', 'bc', '\n', '\r\n', '😀', ' '][random.below(6)]).join('');
      const document = make(text);
      const places = Array.from({ length: 240 }, () => random.below(text.length + 1)).sort(
        (left, right) => right - left,
      );
      const changes = Array.from({ length: 120 }, (_, index) => {
        const [to = 0, from = 0] = places.slice(2 * index, 2 * index + 2);
        return change(document, from, to, ['', 'x', 'y\nz', '\r\n'][random.below(4)] ?? '');
      });
      const one = asOneChange(document, changes, (range) => range);
      expect(applied(text, one)).toBe(applied(text, changes));
    }
  });

  test('in another order, of the whole text, or few, stay as they are', () => {
    const text = 'const a = 1;\n'.repeat(300);
    const document = make(text);
    const descending = Array.from({ length: 200 }, (_, index) => change(document, 2600 - index, 2600 - index, 'x'));
    const ascending = descending.toReversed();
    const whole = [...descending, { text: 'all' }];
    for (const changes of [ascending, whole, descending.slice(0, 50)]) {
      expect(asOneChange(document, changes, (range) => range)).toBe(changes);
    }
    expect(asOneChange(document, descending, (range) => range)).toHaveLength(1);
  });

  test.each([2000, 4000, 8000])('%i of them copy the text once', (count) => {
    const document = make('some value;\n'.repeat(count));
    const changes = Array.from({ length: count }, (_, index) =>
      change(document, 12 * (count - index - 1), 12 * (count - index - 1) + 4, 'others'),
    );
    let copied = 0;
    const slice = String.prototype.slice;
    const spy = vi.spyOn(String.prototype, 'slice').mockImplementation(function (this: string, from, to) {
      const part = slice.call(this, from, to);
      copied += part.length;
      return part;
    });
    try {
      expect(asOneChange(document, changes, (range) => range)).toHaveLength(1);
    } finally {
      spy.mockRestore();
    }
    expect(copied).toBeLessThan(12 * count);
  });
});
