/** Thousands of documents at once, as a rename opens them: work that is counted, not timed. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Choices } from '../../../language-server/index/discover/choices';
import { FileList } from '../../../language-server/index/discover/file-list';
import { SourceFiles } from '../../../language-server/index/discover/source-files';
import { maxRecentDocuments, OpenDocuments } from '../../../language-server/index/open-documents';
import type { DocumentPlace, WorkspaceFolder } from '../../../language-server/index/workspace-folders';

interface Work {
  places: number;
  texts: number;
  reports: number;
}

/** A workspace of one folder, and what is done with it. */
function counted() {
  const work: Work = { places: 0, texts: 0, reports: 0 };
  const reported: string[][] = [];
  const index = {
    setOpen: (open: readonly { readonly path: string }[]) => {
      work.reports++;
      reported.push(open.map(({ path: name }) => name));
    },
  };
  const folder = { index } as unknown as WorkspaceFolder;
  const documents = new OpenDocuments({
    all: [folder],
    place: (uri): DocumentPlace => {
      work.places++;
      return { folder, file: uri, path: uri };
    },
  });
  const document = (uri: string) => ({
    uri,
    getText: () => {
      work.texts++;
      return '';
    },
  });
  return { documents, document, work, reported };
}

describe('documents that are open', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each([1000, 2000, 4000])('%i that are opened, changed and closed at once cost their number', (count) => {
    const { documents, document, work } = counted();
    for (let index = 0; index < count; index++) {
      documents.used(document(`f${index}`));
      documents.used(document(`f${index}`));
    }
    for (let index = 0; index < count; index++) {
      documents.closed(`f${index}`);
    }
    vi.runAllTimers();
    expect(work).toEqual({ places: count, texts: 0, reports: 1 });
  });

  test('that come over many seconds are reported of at most twenty times a second, the latest alone', () => {
    const { documents, document, work, reported } = counted();
    for (let index = 0; index < 4000; index++) {
      documents.used(document(`f${index}`));
      vi.advanceTimersByTime(1);
    }
    vi.runAllTimers();
    expect(work.places).toBe(4000);
    expect(work.reports).toBeLessThanOrEqual(4000 / 50 + 1);
    expect(work.texts).toBeLessThanOrEqual(work.reports * maxRecentDocuments);
    expect(reported.at(-1)).toEqual(Array.from({ length: maxRecentDocuments }, (_, index) => `f${3999 - index}`));
  });

  test('are reported of in the order of their use, the one used last first', () => {
    const { documents, document, reported } = counted();
    for (const uri of ['a', 'b', 'c', 'a']) {
      documents.used(document(uri));
    }
    documents.reportNow();
    expect(reported).toEqual([['a', 'c', 'b']]);
    documents.closed('a');
    documents.closed('nothing');
    documents.reportNow();
    documents.reportNow();
    expect(reported.slice(1)).toEqual([['c', 'b']]);
  });

  test('are placed again when the folders are others', () => {
    const { documents, document, work } = counted();
    documents.used(document('a'));
    documents.used(document('b'));
    documents.placeAgain();
    expect(work.places).toBe(4);
  });
});

describe('on a disk', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-list-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('the list of files is walked for each question, and once in a while for one that is being written', async () => {
    writeFileSync(path.join(folder, 'a.ts'), 'a\n');
    let now = 0;
    const list = new FileList(new SourceFiles(folder), () => now);
    const { signal } = new AbortController();
    const paths = async (fresh: boolean) => [...(await list.paths({ fresh, signal }))];
    expect(await paths(false)).toEqual(['a.ts']);
    writeFileSync(path.join(folder, 'b.ts'), 'b\n');
    expect(await paths(false)).toEqual(['a.ts']);
    expect(await paths(true)).toEqual(['a.ts', 'b.ts']);
    writeFileSync(path.join(folder, 'c.ts'), 'c\n');
    list.changed();
    now += 1999;
    expect(await paths(false)).toEqual(['a.ts', 'b.ts']);
    now += 1;
    expect(await paths(false)).toEqual(['a.ts', 'b.ts', 'c.ts']);
    writeFileSync(path.join(folder, 'd.ts'), 'd\n');
    now += 29_999;
    expect(await paths(false)).toHaveLength(3);
    now += 1;
    expect(await paths(false)).toHaveLength(4);
  });

  test.each([500, 1000, 2000])('%i choices are looked through once, not for each folder', async (count) => {
    const store = path.join(folder, 'store');
    mkdirSync(store);
    const root = path.join(folder, 'root');
    await new Choices(root, store).set('first/one.ts', 'include');
    const choices = new Choices(root, store);
    for (let index = 0; index < 20; index++) {
      void choices.set(`kept/f${index}/deep/file.ts`, index % 2 === 0 ? 'include' : 'exclude').catch(() => undefined);
    }
    let steps = 0;
    const startsWith = vi.spyOn(String.prototype, 'startsWith').mockImplementation(function (this: string, start) {
      steps++;
      return this.slice(0, start.length) === start;
    });
    try {
      for (let index = 0; index < count; index++) {
        choices.includesBelow(`other${index}`);
      }
    } finally {
      startsWith.mockRestore();
    }
    expect(steps).toBe(0);
    expect(['first', 'kept', 'kept/f0', 'kept/f0/deep'].map((name) => choices.includesBelow(name))).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(['kept/f1', 'kept/f', 'first/one.ts', ''].map((name) => choices.includesBelow(name))).toEqual([
      false,
      false,
      false,
      false,
    ]);
    await choices.set('', 'default');
  });
});
