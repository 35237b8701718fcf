/** Which file is the model: the environment, the user's choice, else the default model in the cache folder. */

import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { modelsFolder } from '../base/cache-folder';
import { EngineError } from '../base/errors';
import { type CatalogueModel, defaultModel, findInCatalogue } from './catalogue';
import { downloadedFiles } from './own-folder/downloaded';
import { type CheckOptions, requireModel } from './verified';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * @param chosen a file, a name of the catalogue, or '' for the default
 * @param explicit a command line's choice comes before FASA_MODEL, a setting after it
 * @param check a model of the catalogue is read whole, once, to see that it is the one
 * @throws EngineError MODEL_NOT_FOUND, FILE_UNREADABLE, WRONG_MODEL, CANCELLED
 */
export async function resolveModel(
  chosen: string,
  explicit = false,
  environment: Environment = process.env,
  check: CheckOptions = {},
): Promise<string> {
  const named = environment['FASA_MODEL'] ?? '';
  const wanted = explicit && chosen !== '' ? chosen : named || chosen;
  const known = wanted === '' ? defaultModel : findInCatalogue(wanted);
  if (known !== undefined) {
    return ofCatalogue(known, environment, check);
  }
  const source = wanted === named && !(explicit && chosen !== '') ? 'FASA_MODEL' : 'choice';
  return existing(path.resolve(wanted), source);
}

async function ofCatalogue(model: CatalogueModel, environment: Environment, check: CheckOptions): Promise<string> {
  if ('hub' in model) {
    // what came from the hub was checked by its hash when it came
    const [file] = await downloadedFiles(model, environment);
    if (file === undefined) {
      throw new EngineError('MODEL_NOT_FOUND', `The model ${model.title} is not on this machine.`, {
        remedy: `Download it ("fasa-code models add ${model.name}"), or choose another model.`,
      });
    }
    return existing(file, 'choice');
  }
  const file = await existing(path.join(modelsFolder(environment), model.file), 'default');
  await requireModel(file, model, check);
  return file;
}

async function existing(file: string, source: 'default' | 'FASA_MODEL' | 'choice'): Promise<string> {
  const info = await stat(file).catch(() => undefined);
  if (info === undefined) {
    throw notFound(file, source);
  }
  if (!info.isFile()) {
    throw new EngineError('FILE_UNREADABLE', `The model ${file} is ${info.isDirectory() ? 'a folder' : 'no file'}.`, {
      remedy: 'Choose a GGUF file.',
    });
  }
  try {
    await access(file, constants.R_OK);
  } catch (error) {
    throw new EngineError('FILE_UNREADABLE', `The model ${file} may not be read by this user.`, { cause: error });
  }
  return file;
}

function notFound(file: string, source: 'default' | 'FASA_MODEL' | 'choice'): EngineError {
  if (source === 'default') {
    return new EngineError('MODEL_NOT_FOUND', `There is no model yet: ${file} does not exist.`, {
      remedy:
        'Run "FASA Code: Choose Model" in the editor, or download the default model with "fasa-code models add default".',
    });
  }
  const where = source === 'FASA_MODEL' ? ' (from FASA_MODEL)' : '';
  return new EngineError('MODEL_NOT_FOUND', `The model ${file}${where} does not exist.`, {
    remedy: 'Choose another GGUF file, or none to use the default model.',
  });
}
