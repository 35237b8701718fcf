/** Where programs of this machine keep their GGUF files, as each of them documents it. */

import os from 'node:os';
import path from 'node:path';
import { modelsFolder } from '../../base/cache-folder';
import type { StoreKind } from '../../protocol/models';

type Environment = Readonly<Record<string, string | undefined>>;

export interface StoreLocation {
  readonly kind: StoreKind;
  readonly folder: string;
}

export interface Machine {
  readonly environment?: Environment;
  readonly platform?: NodeJS.Platform;
  readonly home?: string;
  /** Folders that the user named. */
  readonly folders?: readonly string[];
}

/** Ours first; a folder need not exist. */
export function storeLocations(machine: Machine = {}): StoreLocation[] {
  const { environment = process.env, platform = process.platform, home = os.homedir(), folders = [] } = machine;
  const chosen = (name: string) => {
    const value = environment[name];
    return value === undefined || value === '' ? undefined : path.resolve(value);
  };
  const cache = userCache(environment, platform, home);
  const huggingFace =
    chosen('HF_HUB_CACHE') ??
    chosen('HUGGINGFACE_HUB_CACHE') ??
    path.join(
      chosen('HF_HOME') ?? path.join(chosen('XDG_CACHE_HOME') ?? path.join(home, '.cache'), 'huggingface'),
      'hub',
    );
  const ollama = chosen('OLLAMA_MODELS');
  const locations: StoreLocation[] = [
    { kind: 'own', folder: modelsFolder(environment) },
    ...(ollama === undefined
      ? [
          { kind: 'ollama' as const, folder: path.join(home, '.ollama', 'models') },
          // the service that its Linux installer sets up has a home of its own
          ...(platform === 'linux' ? [{ kind: 'ollama' as const, folder: '/usr/share/ollama/.ollama/models' }] : []),
        ]
      : [{ kind: 'ollama' as const, folder: ollama }]),
    { kind: 'lm-studio', folder: path.join(home, '.lmstudio', 'models') },
    { kind: 'lm-studio', folder: path.join(home, '.cache', 'lm-studio', 'models') },
    { kind: 'llama.cpp', folder: chosen('LLAMA_CACHE') ?? path.join(cache, 'llama.cpp') },
    { kind: 'hugging-face', folder: huggingFace },
    ...folders.map((folder) => ({ kind: 'folder' as const, folder: path.resolve(folder) })),
  ];
  const seen = new Set<string>();
  return locations.filter(({ folder }) => !seen.has(folder) && seen.add(folder));
}

function userCache(environment: Environment, platform: NodeJS.Platform, home: string): string {
  if (platform === 'darwin') {
    return path.join(home, 'Library', 'Caches');
  }
  if (platform === 'win32') {
    return environment['LOCALAPPDATA'] || path.join(home, 'AppData', 'Local');
  }
  return environment['XDG_CACHE_HOME'] || path.join(home, '.cache');
}
