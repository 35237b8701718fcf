/** The GGUF files of this machine, with what each is and whether it can be used. Nothing is written, and all work is bounded. */

import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { displayName } from '../../engine/display-name';
import { type ModelHeader, readHeaderOfFile } from '../../engine/gguf/header';
import type { StoreKind, Support } from '../../protocol/models';
import { supportOf, supportOfFailure } from '../support';
import { type Machine, type StoreLocation, storeLocations } from './locations';
import { findOllamaModels } from './ollama';
import { findGgufFiles } from './walk';

export interface FoundModel {
  readonly store: StoreKind;
  /** Where it lies and is used; '' where a store names no file. */
  readonly file: string;
  /** As the store has it: `qwen2.5-coder:1.5b`, or a path in its folder. */
  readonly storeName: string;
  /** For people. */
  readonly name: string;
  readonly bytes: number;
  readonly support: Support;
  /** undefined for a file that is no model at all. */
  readonly header: ModelHeader | undefined;
}

interface Candidate {
  readonly store: StoreKind;
  readonly file: string;
  readonly storeName: string;
  readonly problem: string | undefined;
}

const readersAtOnce = 4;

/** Those of our own folder first; one that several stores have stands once. */
export async function findModels(machine: Machine = {}): Promise<FoundModel[]> {
  const stores = await Promise.all(storeLocations(machine).map(candidatesOf));
  const candidates = await withoutRepeats(stores.flat());
  const found: FoundModel[] = [];
  for (let i = 0; i < candidates.length; i += readersAtOnce) {
    found.push(...(await Promise.all(candidates.slice(i, i + readersAtOnce).map(look))));
  }
  return found;
}

async function candidatesOf({ kind, folder }: StoreLocation): Promise<Candidate[]> {
  if (kind === 'ollama') {
    const models = await findOllamaModels(folder);
    return models.map(({ name, file = '', problem }) => ({ store: kind, file, storeName: name, problem }));
  }
  const files = await findGgufFiles(folder);
  return files.map((file) => ({ store: kind, file, storeName: path.relative(folder, file), problem: undefined }));
}

async function withoutRepeats(candidates: readonly Candidate[]): Promise<Candidate[]> {
  const seen = new Set<string>();
  const once: Candidate[] = [];
  for (const candidate of candidates) {
    const { file } = candidate;
    const real = file === '' ? candidate.storeName : await realpath(file).catch(() => file);
    if (!seen.has(real)) {
      seen.add(real);
      once.push(candidate);
    }
  }
  return once;
}

/** A file that the user names. */
export function findModelFile(file: string): Promise<FoundModel> {
  return look({ store: 'folder', file, storeName: path.basename(file), problem: undefined });
}

async function look({ store, file, storeName, problem }: Candidate): Promise<FoundModel> {
  if (problem !== undefined) {
    const support = { supported: false, reason: problem } as const;
    return { store, file, storeName, name: storeName, bytes: 0, support, header: undefined };
  }
  try {
    const { header, bytes } = await readHeaderOfFile(file);
    return {
      store,
      file,
      storeName,
      name: displayName(header, nameFor(store, storeName)),
      bytes,
      support: supportOf(header),
      header,
    };
  } catch (error) {
    const name = path.basename(storeName);
    return {
      store,
      file,
      storeName,
      name,
      bytes: await sizeOf(file),
      support: supportOfFailure(error),
      header: undefined,
    };
  }
}

/** llama.cpp writes the repository before the name of the file: `ggml-org_gemma-3-1b-it-GGUF_gemma-3-1b-it-Q4_K_M.gguf`. */
function nameFor(store: StoreKind, storeName: string): string {
  return store === 'llama.cpp' ? storeName.replace(/^.*-GGUF_/i, '') : storeName;
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}
