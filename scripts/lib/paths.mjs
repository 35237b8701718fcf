import os from 'node:os';
import path from 'node:path';

/** The project's own folder, and the folders that scripts write to. */
export const root = path.resolve(import.meta.dirname, '..', '..');
export const dist = path.join(root, 'dist');
export const build = path.join(root, 'build');
export const out = path.join(root, 'out');
export const tools = path.join(root, '.tools');
export const nodeModules = path.join(root, 'node_modules');

/** The user's cache folder for this project: the same rule as language-server/base/cache-folder.ts. */
export function cacheFolder() {
  const own = process.env['FASA_CACHE_DIR'];
  if (own) return path.resolve(own);
  const home = os.homedir();
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Caches', 'fasa-code');
  if (process.platform === 'win32') {
    return path.join(process.env['LOCALAPPDATA'] ?? path.join(home, 'AppData', 'Local'), 'fasa-code');
  }
  return path.join(process.env['XDG_CACHE_HOME'] || path.join(home, '.cache'), 'fasa-code');
}

/** A path as a person reads it: relative to the project when inside it. */
export function shown(file) {
  const relative = path.relative(root, file);
  return relative.startsWith('..') || path.isAbsolute(relative) ? file : relative || '.';
}
