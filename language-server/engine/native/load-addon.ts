/** Finds and loads the native addon. `process.dlopen` instead of `require` keeps the bundler out of it. */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { EngineError } from '../../base/errors';
import type { NativeAddon } from './addon';
import { withOwnNames } from './own-names';

/** Next to the bundle in `dist/`, or for the sources in the `dist/` of the same tree. */
function candidates(): string[] {
  const chosen = process.env['FASA_ADDON'];
  if (chosen !== undefined && chosen !== '') {
    return [path.resolve(chosen)];
  }
  return [
    path.join(__dirname, 'native', 'addon.node'),
    path.join(__dirname, '..', '..', '..', 'dist', 'native', 'addon.node'),
  ];
}

/** @throws EngineError ADDON_MISSING */
export function addonPath(): string {
  const paths = candidates();
  const found = paths.find((candidate) => existsSync(candidate));
  if (found === undefined) {
    throw missing(paths[0] ?? '');
  }
  return found;
}

let loaded: NativeAddon | undefined;

/**
 * Loads the addon with its CPU library, once per process.
 * @throws EngineError ADDON_MISSING, ADDON_BROKEN, BACKEND
 */
export function loadAddon(): NativeAddon {
  if (loaded !== undefined) {
    return loaded;
  }
  loaded = openAddon(addonPath());
  return loaded;
}

/** @throws EngineError ADDON_MISSING, ADDON_BROKEN, BACKEND */
export function openAddon(file: string): NativeAddon {
  if (!existsSync(file)) {
    throw missing(file);
  }
  const holder: { exports: unknown } = { exports: {} };
  try {
    process.dlopen(holder, file);
  } catch (error) {
    throw new EngineError('ADDON_BROKEN', `The native addon ${file} does not load: ${reason(error)}`, { cause: error });
  }
  const addon = holder.exports as NativeAddon;
  try {
    addon.loadBackends(path.dirname(file));
  } catch (error) {
    throw new EngineError('BACKEND', `No ggml library for this CPU was found: ${reason(error)}`, { cause: error });
  }
  return withOwnNames(addon);
}

function missing(file: string): EngineError {
  return new EngineError('ADDON_MISSING', `The native addon is missing: ${file} does not exist.`);
}

function reason(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
