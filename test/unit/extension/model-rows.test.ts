import { describe, expect, test } from 'vitest';
import {
  downloadSentence,
  isReference,
  lookOrDownload,
  type PickerState,
  pickerRows,
  type Row,
  remoteRows,
} from '../../../extension/models/rows';
import { fitOf } from '../../../language-server/models/fit';
import type { DownloadStatus, ListedModel, ModelList, RemoteModel } from '../../../language-server/protocol/models';

const fitFor = (free: number, bytes = 1e9) =>
  fitOf({ bytes, kvBytesPerToken: 20_000, trainedContext: 8192 }, { host: free }, 8192);

const here = (part: Partial<ListedModel>): ListedModel => ({
  id: '/models/a.gguf',
  name: 'Qwen2.5-Coder 1.5B Instruct, Q4_K_M',
  file: '/models/a.gguf',
  store: 'own',
  storeName: 'a.gguf',
  bytes: 1e9,
  architecture: 'qwen2',
  support: { supported: true },
  fit: fitFor(8e9),
  best: false,
  removable: true,
  ...part,
});

const catalogued = (part: Partial<ListedModel>): ListedModel => ({
  id: 'mellum-4b',
  name: 'Mellum 4B Base',
  support: { supported: true },
  best: false,
  removable: false,
  catalogue: {
    name: 'mellum-4b',
    license: 'Apache-2.0',
    use: 'inline',
    note: 'Made for completing code.',
    repository: 'JetBrains/Mellum-4b-base-gguf',
  },
  ...part,
});

const listOf = (...models: readonly ListedModel[]): ModelList => ({
  models,
  folder: '/models',
  isDownloadedElsewhere: false,
});

const state = (part: Partial<PickerState>): PickerState => ({
  list: undefined,
  recommended: undefined,
  download: undefined,
  typed: '',
  canReveal: true,
  ...part,
});

/** Separators in brackets, rows by their labels. */
const outline = (part: Partial<PickerState>) =>
  pickerRows(state(part)).map((row) => (row.kind === 'separator' ? `[${row.label}]` : row.label));

function rowOf(part: Partial<PickerState>, id: string): Row {
  const found = pickerRows(state(part)).find((row) => row.kind === 'row' && row.id === id);
  if (found?.kind !== 'row') {
    throw new TypeError(`There is no row ${id}.`);
  }
  return found;
}

describe('the list of models', () => {
  test('offers the hub and a file before the server has answered', () => {
    expect(outline({})).toEqual(['[From elsewhere]', 'A model of the hub…', 'A file…']);
  });

  test('has what is on this machine first, the best of it at the top, and what cannot be used at the end of it', () => {
    const bert = here({
      id: '/b',
      name: 'bge small',
      support: { supported: false, reason: 'is an embedding model' },
      best: false,
    });
    const list = listOf(bert, here({ name: 'Small' }), here({ id: '/c', name: 'Large', best: true }), catalogued({}));
    expect(outline({ list })).toEqual([
      '[On this machine]',
      'Large',
      'Small',
      'bge small',
      '[Code models to download]',
      'Find out which of these fit this machine',
      'Mellum 4B Base',
      '[From elsewhere]',
      'A model of the hub…',
      'A file…',
      'Remove a model, or show its file…',
    ]);
  });

  test('says of a model how large it is, where it lies, and whether it fits', () => {
    const list = { ...listOf(here({ best: true })), loaded: '/models/a.gguf' };
    expect(rowOf({ list }, '/models/a.gguf')).toMatchObject({
      icon: 'check',
      description: '1.0 GB, FASA Code, in use, best fit',
      detail: expect.stringMatching(/^Fits: needs about .* tokens of context, and 8\.0 GB are free\.$/) as string,
      action: { kind: 'use' },
    });
    const tight = rowOf({ list: listOf(here({ fit: fitFor(1e8) })) }, '/models/a.gguf');
    expect(tight).toMatchObject({ icon: 'warning', detail: expect.stringMatching(/^Does not fit:/) as string });
  });

  test('lists what cannot be used with its reason, and lets nobody choose it', () => {
    const list = listOf(
      here({ store: 'ollama', removable: false, support: { supported: false, reason: 'is a LoRA' } }),
    );
    expect(rowOf({ list }, '/models/a.gguf')).toMatchObject({
      icon: 'circle-slash',
      description: 'cannot be used, Ollama',
      detail: 'It is a LoRA.',
      action: { kind: 'none' },
    });
    const unknown = catalogued({ support: { supported: false, reason: 'is of the architecture x' } });
    expect(rowOf({ list: listOf(unknown) }, 'mellum-4b')).toMatchObject({ action: { kind: 'none' }, buttons: [] });
  });

  test('removes models of our own folder alone, and shows files only where they are', () => {
    const kinds = (part: Partial<ListedModel>, canReveal: boolean) =>
      rowOf({ list: listOf(here(part)), canReveal }, '/models/a.gguf').buttons.map(({ action }) => action.kind);
    expect(kinds({}, true)).toEqual(['reveal', 'remove']);
    expect(kinds({ removable: false }, true)).toEqual(['reveal']);
    expect(kinds({ removable: false }, false)).toEqual([]);
  });

  test('orders the catalogue by what fits once the hub was asked', () => {
    const recommended = [
      catalogued({ id: 'a', name: 'Too large', fit: fitFor(1e8) }),
      catalogued({ id: 'b', name: 'Not known' }),
      catalogued({ id: 'c', name: 'Fits', fit: fitFor(8e9), bytes: 1e9 }),
      catalogued({ id: 'd', name: 'Tight', fit: fitFor(1.35e9) }),
      catalogued({ id: 'e', name: 'Best', fit: fitFor(8e9), best: true, bytes: 1e9 }),
      catalogued({ id: 'f', name: 'Never', support: { supported: false, reason: 'is odd' } }),
    ];
    const rows = outline({ list: listOf(catalogued({})), recommended });
    expect(rows.slice(0, 7)).toEqual([
      '[Recommended for this machine]',
      'Best',
      'Fits',
      'Tight',
      'Not known',
      'Too large',
      'Never',
    ]);
    expect(rowOf({ list: listOf(), recommended }, 'e')).toMatchObject({
      description: '1.0 GB, Apache-2.0, best fit',
      detail: expect.stringMatching(/^Fits: .* free\. For suggestions\. Made for completing code\.$/) as string,
      action: { kind: 'look', model: 'e' },
    });
  });

  test('downloads the model of the package index without a look at the hub', () => {
    const model = catalogued({ id: 'default', catalogue: { name: 'default', license: 'MIT', use: 'both', note: '' } });
    expect(rowOf({ list: listOf(model) }, 'default').action).toMatchObject({ kind: 'download', model: 'default' });
  });

  test('looks up what is typed, and is there whatever is typed', () => {
    expect(rowOf({ typed: ' owner/repo ' }, 'hub')).toMatchObject({
      label: 'Look up owner/repo',
      action: { kind: 'look', model: 'owner/repo' },
      alwaysShow: true,
    });
    expect(rowOf({ typed: 'qwen' }, 'hub').action).toEqual({ kind: 'hub' });
  });

  test('says that another window is downloading', () => {
    const list = { ...listOf(), isDownloadedElsewhere: true };
    expect(outline({ list }).slice(0, 2)).toEqual(['[Downloading]', 'Another window is downloading a model']);
  });
});

describe('a download', () => {
  const download: DownloadStatus = {
    model: 'owner/repo',
    name: 'owner/repo',
    file: '/models/owner/repo/x.gguf',
    step: 'Downloading',
    doneBytes: 43e6,
    totalBytes: 1e8,
    bytesPerSecond: 5e6,
    secondsLeft: 11.4,
  };

  test('stands first with its share, speed and time left, and choosing it pauses it', () => {
    const row = rowOf({ list: listOf(here({})), download }, 'download owner/repo');
    expect(row).toMatchObject({ description: '43 %', action: { kind: 'pause' } });
    expect(row.detail).toContain('43.0 MB of 100 MB, 5.0 MB/s, 12 s left');
    expect(outline({ list: listOf(here({})), download })[1]).toBe('owner/repo');
  });

  test('says what it does before there are figures', () => {
    expect(downloadSentence({ model: 'a/b', name: 'a/b', step: 'Looking at a/b' })).toBe('Looking at a/b');
    expect(downloadSentence({ model: 'a', name: 'a', step: 'Downloading', doneBytes: 1e6 })).toBe('1.0 MB');
  });

  test('that was begun goes on when it is chosen; the one that runs stands once', () => {
    const begun = here({
      id: 'owner/repo:x.gguf',
      name: 'x.gguf',
      file: '/models/owner/repo/x.gguf',
      begunBytes: 43e6,
      support: { supported: false, reason: 'is not here whole' },
    });
    expect(rowOf({ list: listOf(begun) }, 'begun owner/repo:x.gguf')).toMatchObject({
      description: 'paused, 43.0 MB here',
      action: { kind: 'download', model: 'owner/repo:x.gguf' },
    });
    expect(outline({ list: listOf(begun), download }).filter((label) => label === 'x.gguf')).toEqual([]);
    // of an address nothing tells where the rest is
    const file = '/models/host/x.gguf';
    expect(rowOf({ list: listOf({ ...begun, id: file, file }) }, `begun ${file}`).action).toEqual({ kind: 'none' });
  });
});

test.each([
  ['owner/repo', true],
  ['hf.co/owner/repo:Q8_0', true],
  ['owner/repo:folder/a file.gguf', false],
  ['https://host.test/a.gguf', true],
  ['qwen', false],
  ['a/b/c', false],
  ['', false],
])('%s may name a model of the hub: %s', (text, expected) => {
  expect(isReference(text)).toBe(expected);
});

test('an address of a file is downloaded, one of the hub is looked at', () => {
  expect(lookOrDownload('https://host.test/a.gguf')).toMatchObject({ kind: 'download' });
  expect(lookOrDownload('https://huggingface.co/owner/repo')).toMatchObject({ kind: 'look' });
  expect(lookOrDownload('owner/repo')).toMatchObject({ kind: 'look' });
});

describe('a model of the hub', () => {
  const remote: RemoteModel = {
    name: 'Tiny 1B, Q4_K_M',
    repository: 'owner/repo',
    revision: 'main',
    files: [{ path: 'tiny-q4_k_m.gguf', bytes: 1e9 }],
    bytes: 1e9,
    support: { supported: true },
    fit: fitFor(8e9),
    choices: [
      { path: 'tiny-q4_k_m.gguf', bytes: 1e9 },
      { path: 'tiny-f16-00001-of-00002.gguf', bytes: 2e9 },
      { path: 'tiny-f16-00002-of-00002.gguf', bytes: 2e9 },
      { path: 'mmproj-tiny.gguf', bytes: 1e8 },
    ],
  };

  test('offers its usual file first, with whether it fits, then the others', () => {
    const rows = remoteRows(remote);
    expect(rows.map(({ label }) => label)).toEqual(['Download Tiny 1B, Q4_K_M', 'tiny-f16-00001-of-00002.gguf']);
    expect(rows[0]).toMatchObject({
      description: '1.0 GB, tiny-q4_k_m.gguf',
      detail: expect.stringMatching(/^Fits: /) as string,
      action: { kind: 'download', model: 'owner/repo:tiny-q4_k_m.gguf' },
    });
  });

  test('of another revision is downloaded from there', () => {
    const [row] = remoteRows({ ...remote, revision: 'v2' });
    expect(row?.action).toMatchObject({
      model: 'https://huggingface.co/owner/repo/resolve/v2/tiny-q4_k_m.gguf',
    });
  });

  test('that cannot be used says why, and offers nothing', () => {
    const rows = remoteRows({ ...remote, support: { supported: false, reason: 'is of the architecture x' } });
    expect(rows).toMatchObject([{ action: { kind: 'none' }, detail: 'It is of the architecture x.' }]);
  });
});
