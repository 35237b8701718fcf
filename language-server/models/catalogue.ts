/**
 * The models that the project knows where to get (`catalogue.json`, checked here). It claims nothing that was not looked up:
 * a size and a hash come from the hub's own listing at the time of a download, and a field that nobody could check is absent.
 */

import {
  type Check,
  count,
  type Fields,
  flag,
  list,
  MessageError,
  object,
  oneOf,
  optional,
  string,
} from '../protocol/validate';
import raw from './catalogue.json';

/** A file that is known to the byte. */
export interface ExpectedFile {
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

/** A Python wheel of the package index that holds the file. */
export interface WheelSource {
  readonly project: string;
  readonly version: string;
  readonly member: string;
}

/** Where a model comes from that the hub has. */
export interface HubSource {
  /** OWNER/NAME. */
  readonly repository: string;
  /** Of the files, with `{quantization}` in it; compared without regard to case. */
  readonly file: string;
  /** The one that is fetched when none is named. */
  readonly quantization: string;
}

const common = {
  /** What the user types. */
  name: pattern(/^[a-z0-9][a-z0-9.-]{0,63}$/, 'a name of small letters, digits, dots and hyphens'),
  title: string(100),
  license: string(60),
  /** What it is good for. */
  use: oneOf('inline', 'chat', 'both'),
  note: string(200),
  architecture: optional(pattern(/^[a-z0-9_-]{1,40}$/, 'the name of an architecture')),
  fillInTheMiddle: optional(flag),
  /** Tokens it was trained for. */
  context: optional(count),
  /** f16 keys and values of one token. */
  kvBytesPerToken: optional(count),
  /** Fingerprint of the file that has a calibration in this package. */
  calibration: optional(pattern(/^[0-9a-f]{16}$/, 'a fingerprint')),
} as const;

type Known = Fields<typeof common>;

export type WheelModel = Known & ExpectedFile & { readonly file: string; readonly wheel: WheelSource };
export type HubModel = Known & { readonly hub: HubSource };
export type CatalogueModel = WheelModel | HubModel;

const hubCheck: Check<HubSource> = object({
  repository: pattern(/^[\w.-]+\/[\w.-]+$/, 'OWNER/NAME'),
  file: pattern(
    /^(?!.*\.\.)[\w./-]*\{quantization\}[\w./-]*\.gguf$/,
    'the name of a GGUF file with {quantization} in it',
  ),
  quantization: pattern(/^\w{2,12}$/, 'a quantization'),
});

const shape = object({
  ...common,
  hub: optional(hubCheck),
  file: optional(pattern(/^[\w.-]+\.gguf$/, 'the name of a GGUF file')),
  bytes: optional(count),
  sha256: optional(pattern(/^[0-9a-f]{64}$/, 'a SHA-256')),
  wheel: optional(object({ project: string(100), version: string(40), member: string(300) })),
});

const modelCheck: Check<CatalogueModel> = (value, name) => {
  const { wheel, hub, file, bytes, sha256, ...known } = shape(value, name);
  if (hub !== undefined && wheel === undefined && file === undefined && bytes === undefined && sha256 === undefined) {
    return { ...known, hub };
  }
  if (hub === undefined && wheel !== undefined && file !== undefined && bytes !== undefined && sha256 !== undefined) {
    return { ...known, file, bytes, sha256, wheel };
  }
  throw new MessageError(`${name} must have a hub, or a wheel with its file, bytes and sha256`);
};

function pattern(expression: RegExp, what: string): Check<string> {
  return (value, name) => {
    if (typeof value !== 'string' || !expression.test(value)) {
      throw new MessageError(`${name} must be ${what}`);
    }
    return value;
  };
}

/** One bad entry costs itself, and is named in `problems`. */
export function parseCatalogue(value: unknown): {
  readonly models: readonly CatalogueModel[];
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const models: CatalogueModel[] = [];
  try {
    const found = object({ models: list(modelCheck, 1000) })(value, 'the catalogue', (what) => problems.push(what));
    for (const model of found.models) {
      if (models.some(({ name }) => name === model.name)) {
        problems.push(`the catalogue has two models of the name ${model.name}`);
      } else {
        models.push(model);
      }
    }
  } catch (error) {
    if (!(error instanceof MessageError)) {
      throw error;
    }
    problems.push(error.message);
  }
  return { models, problems };
}

const parsed = parseCatalogue(raw);

export const catalogue: readonly CatalogueModel[] = parsed.models;
/** What is wrong with the file; empty as it ships. */
export const catalogueProblems: readonly string[] = parsed.problems;

export const defaultModel: WheelModel = requireDefault();

function requireDefault(): WheelModel {
  const found = catalogue.find(({ name }) => name === 'default');
  if (found === undefined || !('wheel' in found)) {
    throw new Error(`The catalogue of models has no default: ${catalogueProblems.join('; ')}`);
  }
  return found;
}

/** By name or title, in any case, with hyphens or spaces. */
export function findInCatalogue(name: string): CatalogueModel | undefined {
  const plain = (text: string) => text.toLowerCase().replace(/[\s-]+/g, '-');
  const wanted = plain(name);
  return catalogue.find((model) => model.name === wanted || plain(model.title) === wanted);
}

/** The model of the catalogue that a file of a repository is. */
export function findByHubFile(repository: string, file: string): HubModel | undefined {
  return catalogue.find(
    (model): model is HubModel =>
      'hub' in model &&
      model.hub.repository.toLowerCase() === repository.toLowerCase() &&
      matchesPattern(model.hub.file, file),
  );
}

/** @param quantization any one where it is left out; a split file counts as the file that it is a part of */
export function matchesPattern(filePattern: string, file: string, quantization?: string): boolean {
  const plain = file.toLowerCase().replace(/-\d{5}-of-\d{5}(?=\.gguf$)/, '');
  const [before = '', after = ''] = filePattern.toLowerCase().split('{quantization}');
  const middle = plain.slice(before.length, plain.length - after.length);
  return (
    plain.startsWith(before) &&
    plain.endsWith(after) &&
    (quantization === undefined ? /^[a-z0-9_]{2,16}$/.test(middle) : middle === quantization.toLowerCase())
  );
}
