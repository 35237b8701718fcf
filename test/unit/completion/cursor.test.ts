import { describe, expect, test } from 'vitest';
import { cursorText, windowStart } from '../../../language-server/completion/prompt/cursor';

describe('the window before the cursor', () => {
  const text = Array.from({ length: 400 }, (_, index) => `line ${index};`).join('\n');

  test('starts at the beginning of a line, and is no longer than its limit', () => {
    for (let offset = 600; offset < text.length; offset += 37) {
      const start = windowStart(text, offset, 500);
      expect(text[start - 1]).toBe('\n');
      expect(offset - start).toBeLessThanOrEqual(500);
      expect(offset - start).toBeGreaterThan(500 - 2 * 125 - 1);
    }
  });

  test('keeps its start while the user types, and moves it in steps', () => {
    const starts = new Set<number>();
    for (let offset = 1000; offset < 1250; offset++) {
      starts.add(windowStart(text, offset, 500));
    }
    expect(starts.size).toBeLessThanOrEqual(4);
  });

  test('reaches the beginning of a short document', () => {
    expect(windowStart(text, 300, 500)).toBe(0);
  });

  test('does not split a surrogate pair in a document of one long line', () => {
    const emoji = '😀'.repeat(1000);
    for (let offset = 600; offset < 620; offset += 2) {
      expect(windowStart(emoji, offset, 101) % 2).toBe(0);
    }
  });
});

describe('the text around the cursor', () => {
  test('has the two parts of the line, and the next line that is not blank', () => {
    const text = 'a\nfoo(bar)\n\n   \n  next();\nmore';
    expect(cursorText(text, 6, 100)).toMatchObject({
      before: 'a\nfoo(',
      after: 'bar)\n\n   \n  next();\nmore',
      start: 0,
      linePrefix: 'foo(',
      lineSuffix: 'bar)',
      nextLine: '  next();',
      eol: '\n',
    });
  });

  test('has LF line endings, and remembers that the document has CRLF', () => {
    const cursor = cursorText('a\r\nb\r\nc', 3, 100);
    expect(cursor).toMatchObject({ before: 'a\n', after: 'b\nc', eol: '\r\n', lineSuffix: 'b', nextLine: 'c' });
  });

  test('replaces each lone surrogate by one character', () => {
    expect(cursorText('a\udc00b\ud800', 4, 100).before).toBe('a\ufffdb\ufffd');
  });

  test('is empty in an empty document', () => {
    expect(cursorText('', 0, 100)).toMatchObject({
      before: '',
      after: '',
      linePrefix: '',
      lineSuffix: '',
      nextLine: '',
    });
  });

  test('is no longer than the window in a line of 5 MB', () => {
    const cursor = cursorText('x'.repeat(5_000_000), 2_500_000, 4000);
    expect(cursor.before.length).toBeLessThanOrEqual(4000);
    expect(cursor.after.length).toBeLessThanOrEqual(4000);
  });
});
