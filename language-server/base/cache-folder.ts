/** The user's cache folder. Everything in it can be downloaded or computed again. */

import os from 'node:os';
import path from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** `FASA_CACHE_DIR`, else `fasa-code` in the platform's cache folder. */
export function cacheFolder(
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
  home: string = os.homedir(),
): string {
  const chosen = environment['FASA_CACHE_DIR'];
  if (chosen !== undefined && chosen !== '') {
    return path.resolve(chosen);
  }
  if (platform === 'darwin') {
    return path.join(home, 'Library', 'Caches', 'fasa-code');
  }
  if (platform === 'win32') {
    return path.join(environment['LOCALAPPDATA'] || path.join(home, 'AppData', 'Local'), 'fasa-code');
  }
  const shared = environment['XDG_CACHE_HOME'];
  // the specification says to ignore relative paths
  const base = shared !== undefined && path.isAbsolute(shared) ? shared : path.join(home, '.cache');
  return path.join(base, 'fasa-code');
}

export function modelsFolder(environment: Environment = process.env): string {
  return path.join(cacheFolder(environment), 'models');
}
