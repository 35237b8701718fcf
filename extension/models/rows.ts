/** What the list of models shows: rows with a sentence of each model, what choosing one does, and their buttons. */

import { formatBytes, formatPercent } from '../../language-server/protocol/format';
import { describeFit, describeProgress, storeTitles } from '../../language-server/protocol/model-texts';
import type { DownloadStatus, ListedModel, ModelList, RemoteModel } from '../../language-server/protocol/models';

/** What choosing a row does. */
export type RowAction =
  | { readonly kind: 'use'; readonly model: ListedModel }
  /** Looked at first: size and fit are told before anything is downloaded. */
  | { readonly kind: 'look'; readonly model: string }
  | { readonly kind: 'download'; readonly model: string; readonly name: string }
  | { readonly kind: 'pause' }
  | { readonly kind: 'recommend' }
  | { readonly kind: 'hub' }
  | { readonly kind: 'file' }
  | { readonly kind: 'manage' }
  /** The row only tells something. */
  | { readonly kind: 'none' };

export interface RowButton {
  readonly icon: string;
  readonly tooltip: string;
  readonly action: RowAction | { readonly kind: 'remove' | 'reveal'; readonly model: ListedModel };
}

export interface Row {
  readonly kind: 'row';
  /** Of the same row when the list is shown again. */
  readonly id: string;
  readonly icon: string;
  readonly label: string;
  readonly description: string;
  readonly detail: string;
  readonly action: RowAction;
  readonly buttons: readonly RowButton[];
  /** It is there whatever is typed. */
  readonly alwaysShow?: boolean;
}

export interface Separator {
  readonly kind: 'separator';
  readonly label: string;
}

export interface PickerState {
  /** undefined until the server has answered. */
  readonly list: ModelList | undefined;
  /** The catalogue with figures of the hub, once the user has asked for them. */
  readonly recommended: readonly ListedModel[] | undefined;
  readonly download: DownloadStatus | undefined;
  readonly typed: string;
  /** Files of this machine can be shown by its file manager: not so over a remote connection. */
  readonly canReveal: boolean;
}

export function pickerRows(state: PickerState): (Row | Separator)[] {
  const { list, download, typed } = state;
  const models = list?.models ?? [];
  const here = models.filter(({ store, begunBytes }) => store !== undefined && begunBytes === undefined);
  const begun = models.filter(({ begunBytes, file }) => begunBytes !== undefined && file !== download?.file);
  const usable = here.filter(({ support }) => support.supported);
  const others = here.filter(({ support }) => !support.supported);
  const fetchable = state.recommended ?? models.filter(({ store }) => store === undefined);
  return [
    ...section('Downloading', [
      ...(download === undefined ? [] : [downloadRow(download)]),
      ...(list?.isDownloadedElsewhere === true ? [elsewhereRow] : []),
      ...begun.map((model) => begunRow(model, state)),
    ]),
    ...section('On this machine', [
      ...usable.toSorted((a, b) => Number(b.best) - Number(a.best)).map((model) => usableRow(model, state)),
      ...others.map((model) => unusableRow(model, state)),
    ]),
    ...section(
      state.recommended === undefined ? 'Code models to download' : 'Recommended for this machine',
      list === undefined
        ? []
        : [
            ...(state.recommended === undefined ? [recommendRow] : []),
            ...fetchable.toSorted((a, b) => rank(a) - rank(b)).map(fetchableRow),
          ],
    ),
    ...section('From elsewhere', [
      hubRow(typed.trim()),
      fileRow,
      ...(here.length + begun.length > 0 ? [manageRow] : []),
    ]),
  ];
}

function section(label: string, rows: readonly Row[]): (Row | Separator)[] {
  return rows.length === 0 ? [] : [{ kind: 'separator', label }, ...rows];
}

/** The best first, then what fits, then what is not known, and last what cannot be used. */
function rank({ best, support, fit }: ListedModel): number {
  if (!support.supported) {
    return 5;
  }
  return best
    ? 0
    : { fits: 1, 'less-context': 2, 'does-not-fit': 4 }[fit?.kind ?? 'fits'] + (fit === undefined ? 2 : 0);
}

function downloadRow(download: DownloadStatus): Row {
  const { doneBytes, totalBytes, name, model, step } = download;
  return {
    kind: 'row',
    id: `download ${model}`,
    icon: 'loading~spin',
    label: name,
    description: doneBytes === undefined || totalBytes === undefined ? '' : formatPercent(doneBytes / totalBytes),
    detail: `${downloadSentence(download)}. Choose it to pause; what is here is kept.`,
    action: { kind: 'pause' },
    buttons: [{ icon: 'debug-pause', tooltip: `Pause (${step})`, action: { kind: 'pause' } }],
  };
}

/** How a download goes, without a full stop. */
export function downloadSentence({ step, doneBytes, totalBytes, bytesPerSecond, secondsLeft }: DownloadStatus): string {
  if (doneBytes === undefined) {
    return step;
  }
  // who sees the figures knows that it is a download
  const what = step === 'Downloading' ? '' : `${step}: `;
  return `${what}${describeProgress({
    doneBytes,
    ...(totalBytes === undefined ? {} : { totalBytes }),
    ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }),
    ...(secondsLeft === undefined ? {} : { secondsLeft }),
  })}`;
}

/** The same of a download that other faces show, with its name. */
export function downloadLine(download: DownloadStatus): string {
  return `Downloading ${download.name}: ${downloadSentence(download)}.`;
}

const elsewhereRow: Row = {
  kind: 'row',
  id: 'elsewhere',
  icon: 'info',
  label: 'Another window is downloading a model',
  description: '',
  detail: 'One model is downloaded at a time. Wait for it, or pause it there.',
  action: { kind: 'none' },
  buttons: [],
};

function begunRow(model: ListedModel, state: PickerState): Row {
  // without a repository in its name nothing tells where the rest is
  const goesOn = model.id !== model.file;
  return {
    kind: 'row',
    id: `begun ${model.id}`,
    icon: 'debug-pause',
    label: model.name,
    description: `paused, ${formatBytes(model.begunBytes ?? 0)} here`,
    detail: goesOn ? 'Choose it to go on where it was.' : 'Download it again from its address to go on where it was.',
    action: goesOn ? { kind: 'download', model: model.id, name: model.name } : { kind: 'none' },
    buttons: fileButtons(model, state),
  };
}

function usableRow(model: ListedModel, state: PickerState): Row {
  const { file, bytes, store, fit, best } = model;
  const isLoaded = file !== undefined && file === state.list?.loaded;
  const marks = [isLoaded ? 'in use' : '', best ? 'best fit' : ''].filter((mark) => mark !== '');
  const place = store === undefined ? '' : storeTitles[store];
  return {
    kind: 'row',
    id: model.id,
    icon: isLoaded ? 'check' : fit?.kind === 'does-not-fit' ? 'warning' : 'chip',
    label: model.name,
    description: [formatBytes(bytes ?? 0), place, ...marks].filter((part) => part !== '').join(', '),
    detail: fit === undefined ? (file ?? '') : `${sentence(describeFit(fit))} ${useOf(model)}`.trim(),
    action: { kind: 'use', model },
    buttons: fileButtons(model, state),
  };
}

function unusableRow(model: ListedModel, state: PickerState): Row {
  const { support, store } = model;
  return {
    kind: 'row',
    id: model.id,
    icon: 'circle-slash',
    label: model.name,
    description: `cannot be used${store === undefined ? '' : `, ${storeTitles[store]}`}`,
    detail: support.supported ? '' : sentence(`It ${support.reason}`),
    action: { kind: 'none' },
    buttons: fileButtons(model, state),
  };
}

function fetchableRow(model: ListedModel): Row {
  const { id, bytes, support, fit, catalogue, best, name } = model;
  const isPackage = catalogue?.repository === undefined;
  const action: RowAction = isPackage ? { kind: 'download', model: id, name } : { kind: 'look', model: id };
  const words = [bytes === undefined ? '' : formatBytes(bytes), catalogue?.license ?? '', best ? 'best fit' : ''];
  return {
    kind: 'row',
    id,
    icon: support.supported ? (fit?.kind === 'does-not-fit' ? 'warning' : 'cloud-download') : 'circle-slash',
    label: name,
    description: support.supported ? words.filter((word) => word !== '').join(', ') : 'cannot be used yet',
    detail: support.supported
      ? [fit === undefined ? '' : sentence(describeFit(fit)), useOf(model), catalogue?.note ?? ''].join(' ').trim()
      : sentence(`It ${support.reason}`),
    action: support.supported ? action : { kind: 'none' },
    buttons: support.supported ? [{ icon: 'cloud-download', tooltip: `Download ${name}`, action }] : [],
  };
}

function useOf({ catalogue }: ListedModel): string {
  return catalogue === undefined
    ? ''
    : { inline: 'For suggestions.', chat: 'For the chat.', both: 'For suggestions and chat.' }[catalogue.use];
}

const recommendRow: Row = {
  kind: 'row',
  id: 'recommend',
  icon: 'search',
  label: 'Find out which of these fit this machine',
  description: '',
  detail: 'Asks the hub for their sizes; nothing is downloaded.',
  action: { kind: 'recommend' },
  buttons: [],
};

const reference = /^(?:https?:\/\/\S+|(?:hf\.co\/|huggingface\.co\/)?[\w.-]+\/[\w.-]+(?::\S+)?)$/i;

/** Whether a text may name a model of the hub, or an address. The server decides. */
export function isReference(text: string): boolean {
  return reference.test(text);
}

function hubRow(typed: string): Row {
  const isTyped = isReference(typed);
  return {
    kind: 'row',
    id: 'hub',
    icon: 'globe',
    label: isTyped ? `Look up ${typed}` : 'A model of the hub…',
    description: '',
    detail: isTyped
      ? 'Its size and whether it fits are told before anything is downloaded.'
      : 'Type OWNER/REPOSITORY of the Hugging Face Hub, or the address of a GGUF file.',
    action: isTyped ? lookOrDownload(typed) : { kind: 'hub' },
    buttons: [],
    alwaysShow: true,
  };
}

/** An address of a file has no listing that could be looked at; one of the hub's pages has. */
export function lookOrDownload(typed: string): RowAction {
  const isFileElsewhere =
    /^https?:\/\//i.test(typed) && !/^https?:\/\/(?:www\.)?(?:huggingface\.co|hf\.co)\//i.test(typed);
  return isFileElsewhere ? { kind: 'download', model: typed, name: typed } : { kind: 'look', model: typed };
}

const fileRow: Row = {
  kind: 'row',
  id: 'file',
  icon: 'folder-opened',
  label: 'A file…',
  description: '',
  detail: 'A GGUF file on this machine. It is used where it lies.',
  action: { kind: 'file' },
  buttons: [],
  alwaysShow: true,
};

const manageRow: Row = {
  kind: 'row',
  id: 'manage',
  icon: 'tools',
  label: 'Remove a model, or show its file…',
  description: '',
  detail: '',
  action: { kind: 'manage' },
  buttons: [],
};

/** What can be done with the file of a model, beside using it. */
export function fileButtons(model: ListedModel, { canReveal }: Pick<PickerState, 'canReveal'>): RowButton[] {
  const buttons: RowButton[] = [];
  if (canReveal && model.file !== undefined) {
    buttons.push({ icon: 'folder', tooltip: 'Show in Folder', action: { kind: 'reveal', model } });
  }
  if (model.removable) {
    buttons.push({ icon: 'trash', tooltip: `Remove ${model.name}…`, action: { kind: 'remove', model } });
  }
  return buttons;
}

/** The files of one model of the hub: the usual one first, with whether it fits. */
export function remoteRows({ name, repository, revision, files, bytes, support, fit, choices }: RemoteModel): Row[] {
  const named = (path: string) =>
    revision === 'main' ? `${repository}:${path}` : `https://huggingface.co/${repository}/resolve/${revision}/${path}`;
  const [first] = files;
  if (first === undefined) {
    return [];
  }
  const row = (id: string, part: Partial<Row>): Row => ({
    kind: 'row',
    id,
    icon: 'cloud-download',
    label: '',
    description: '',
    detail: '',
    action: { kind: 'none' },
    buttons: [],
    ...part,
  });
  if (!support.supported) {
    return [row('unsupported', { icon: 'circle-slash', label: name, detail: sentence(`It ${support.reason}`) })];
  }
  // the server finds the other parts of a split model by its first one
  const others = choices.filter(
    ({ path }) => path !== first.path && !/-(?!00001)\d{5}-of-\d{5}\.gguf$/i.test(path) && !/mmproj/i.test(path),
  );
  return [
    row(first.path, {
      label: `Download ${name}`,
      description: `${formatBytes(bytes)}, ${first.path}`,
      detail: fit === undefined ? 'Whether it fits is known when it is here.' : sentence(describeFit(fit)),
      action: { kind: 'download', model: named(first.path), name },
    }),
    ...others.map(({ path, bytes: size }) =>
      row(path, {
        label: path,
        description: formatBytes(size),
        action: { kind: 'download', model: named(path), name: path },
      }),
    ),
  ];
}

/** With a capital and a full stop. */
export function sentence(text: string): string {
  const whole = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(whole) ? whole : `${whole}.`;
}
