/** The default model and real code for it: what the quality tests share. */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { modelsFolder } from '../../language-server/base/cache-folder';
import type { NativeModel } from '../../language-server/engine/native/addon';
import { defaultModel } from '../../language-server/models/catalogue';

/** FASA_MODEL, else the default model of the cache folder. */
export function defaultModelFile(): string {
  const chosen = process.env['FASA_MODEL'];
  const file = chosen === undefined || chosen === '' ? path.join(modelsFolder(), defaultModel.file) : chosen;
  if (!existsSync(file)) {
    throw new Error(`The model ${file} is missing: npm run setup fetches it.`);
  }
  return file;
}

/** Sources of packages that this project depends on, at pinned versions: real code that no one here wrote. */
export const realCode = ['vscode-languageserver/lib/common/server.js', 'ignore/index.js'] as const;

/** The first tokens of such a source, as a prompt begins. */
export function codeTokens(model: NativeModel, source: (typeof realCode)[number], count: number): Int32Array {
  const text = readFileSync(path.join(import.meta.dirname, '../../node_modules', source), 'utf8');
  const { bos, addBos } = model.info.tokens;
  const start = addBos && bos !== undefined ? [bos] : [];
  const tokens = Int32Array.from([...start, ...model.tokenize(text, false)]);
  if (tokens.length < count) {
    throw new RangeError(`${source} has only ${tokens.length} tokens`);
  }
  return tokens.slice(0, count);
}
