import { existsSync } from 'node:fs';
import path from 'node:path';
import { Failure } from '../../../scripts/lib/failure.mjs';
import { cacheFolder } from '../../../scripts/lib/paths.mjs';

const defaultModel = 'SmolLM2-135M-Instruct.Q4_1.gguf';

/** The model that the tests run with: FASA_MODEL, else the default one, which set-up has fetched. */
export function modelFile() {
  const named = process.env['FASA_MODEL'];
  const file = named ? path.resolve(named) : path.join(cacheFolder(), 'models', defaultModel);
  if (!existsSync(file)) throw new Failure(`There is no model at ${file}: run npm run setup, or set FASA_MODEL.`);
  return file;
}
