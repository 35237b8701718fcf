/** The command line's words: commands, options, and what is wrong with them. */

import path from 'node:path';
import { parseArgs } from 'node:util';
import { EngineError } from '../base/errors';
import type { AttentionMode, StoreOptions } from '../engine/engine';

export interface CommonOptions {
  /** Absolute path of the repository's folder: the first of `repos`. */
  readonly repo: string;
  /** At least one. */
  readonly repos: readonly string[];
  /** Most tokens of a repository that are in the context; 0: as many as the machine allows. */
  readonly repositoryTokens: number;
  /** Of the keys and values of a repository's chunks. */
  readonly rows: StoreOptions['rowType'];
  /** A file, a catalogue name, or '' for the default. */
  readonly model: string;
  readonly attention: AttentionMode;
  /** 0: the default. */
  readonly budget: number;
  readonly threads: number;
  /** '' for the default. */
  readonly device: string;
  readonly contextTokens: number;
  readonly seed: number | undefined;
  readonly json: boolean;
}

export interface CommandLine {
  readonly command: string;
  readonly operands: readonly string[];
  readonly options: CommonOptions;
  /** First encodes what is missing of the repository. */
  readonly encode: boolean;
  readonly corpus: string | undefined;
  /** For `calibrate`: repositories whose files use names that others define; by default, the corpus. */
  readonly repositories: string | undefined;
  readonly label: string | undefined;
  readonly out: string | undefined;
  /** Cached tokens of each row of `bench decode`. */
  readonly depths: readonly number[] | undefined;
  /** Tokens of each row of `bench prefill`. */
  readonly lengths: readonly number[] | undefined;
  /** `dDhHgG`: measures attention only, on random data. */
  readonly synthetic: string | undefined;
  /** Tokens of a document of `eval`. */
  readonly length: number | undefined;
  readonly documents: number | undefined;
  readonly policies: readonly string[] | undefined;
  /** A calibration file instead of the shipped one. */
  readonly calibration: string | undefined;
  /** As they were given; `eval cross-file` parses them. */
  readonly crossFile: CrossFileValues;
  /** `serve` over stdin and stdout. */
  readonly stdio: boolean;
  /** Of the hub; undefined for HF_ENDPOINT, else the public one. */
  readonly mirror: string | undefined;
  /** undefined for what the environment says. */
  readonly proxy: string | undefined;
  /** Absolute paths of folders where models are looked for as well. */
  readonly folders: readonly string[];
}

export const usage = `Usage: fasa-code COMMAND [options]

Commands
  complete FILE:LINE:COLUMN   print an inline completion at that place (1-based), as the editor would get it
  ask QUESTION                answer a question about the repository
  context                     list which files of the repository are in the context, and which are left out and why
                              (--encode)
  calibrate                   choose the dominant frequency chunks of a model (--corpus DIR --out FILE), and how
                              repository chunks are read (--repositories DIR --cases N; 0 keeps the defaults)
  models list                 list the models on this machine (also those of Ollama, LM Studio, llama.cpp and the
                              Hugging Face cache; --folder DIR), whether they fit, and those that can be downloaded
  models add MODEL            download a model: NAME of the catalogue, OWNER/REPOSITORY[:FILE] of the hub, or an
                              address; or check a GGUF file of your own. An interrupted download is resumed
  models info [MODEL]         show what is in a model file, here or on the hub, and whether it fits this machine
  models remove NAME|FILE     remove a downloaded model
  serve --stdio               start the language server for any editor that speaks LSP 3.18 (docs/editors.md)
  doctor                      show what works on this machine, what does not, and what to do about it

Commands that need the sources (bench/); a packaged extension does not have them
  bench decode                time of a decode step, libllama's and ours, in turns (--depths N,N,... --threads N),
                              or of attention only, on random data (--synthetic dDhHgG)
  bench prefill               tokens per second of a prefill, libllama's and ours (--lengths N,N,...)
  bench repository            encoding, reopening, editing and reading a repository (--repo DIR --depths N,N,...)
  bench completion            typing replayed in files of --repo through the real server (--documents K --seed N)
  eval fidelity               next-token distributions of sparse decoding against dense (--corpus DIR --length N
                              --documents K --policy fasa,paper,oracle,quest,streaming,...)
  eval retrieval              constants that are defined once, far away, and asked for at the end (same options)
  eval cross-file             names that other files define, with and without the repository (--corpus DIR
                              --cases N --dense-cases N --conditions none,bm25,dense,fasa,... --late N --prior X ...;
                              --join FILE,FILE combines earlier runs)
  eval citations              whether answers cite the files that facts were planted in (--corpus DIR --cases N)

Options
  --repo DIR            the repository (default: the current folder); can be given several times
  --encode              for complete, ask and context: first encode what is missing of the repository
  --repository-tokens N maximum tokens of a repository in the context (default: what the machine allows)
  --rows TYPE           keys and values of a repository: f16, or q8_0 at about half the size (default: f16)
  --model NAME|FILE     default: FASA_MODEL, or else the default model in the cache folder
  --attention MODE      auto, dense, fasa-c or fasa-m (default: auto)
  --budget N            cached tokens that FASA reads per KV head (default: 256)
  --device NAME         auto, cpu or the name of a GPU (default: auto; bench: cpu)
  --threads N           default: one fewer than the number of physical cores, up to 4
  --context-tokens N    default: the trained context length, up to 8192
  --seed N              for ask (default: 1)
  --corpus DIR, --label TEXT, --out FILE   for calibrate
  --calibration FILE    for bench and eval: used instead of the shipped file; for calibrate: keep its frequency
                        chunks and only decide how repository chunks are read
  --mirror URL          for models: used instead of the hub (default: HF_ENDPOINT, or else https://huggingface.co)
  --proxy URL           for models (default: HTTPS_PROXY, HTTP_PROXY and NO_PROXY)
  --folder DIR          for models list: also look there; can be given several times
  --json                one JSON document on stdout
  --help, --version
`;

/** One line on stderr and exit code 2. */
export function usageError(message: string): EngineError {
  return new EngineError('USAGE', message, { remedy: 'See "fasa-code --help".' });
}

/** Options that only the cross-file evaluation (bench/) reads, and parses itself. */
const crossFileOptionNames = {
  conditions: { type: 'string' },
  cases: { type: 'string' },
  join: { type: 'string' },
  'dense-cases': { type: 'string' },
  tail: { type: 'string' },
  late: { type: 'string' },
  prior: { type: 'string' },
  bias: { type: 'string' },
  budgets: { type: 'string' },
  'retrieved-tokens': { type: 'string' },
  // its name in the version before
  'in-play': { type: 'string' },
} as const;

export type CrossFileValues = { readonly [name in keyof typeof crossFileOptionNames]?: string | undefined };

const optionNames = {
  repo: { type: 'string', multiple: true },
  encode: { type: 'boolean' },
  'repository-tokens': { type: 'string' },
  rows: { type: 'string' },
  model: { type: 'string' },
  attention: { type: 'string' },
  budget: { type: 'string' },
  threads: { type: 'string' },
  device: { type: 'string' },
  'context-tokens': { type: 'string' },
  seed: { type: 'string' },
  corpus: { type: 'string' },
  repositories: { type: 'string' },
  label: { type: 'string' },
  out: { type: 'string' },
  depths: { type: 'string' },
  lengths: { type: 'string' },
  synthetic: { type: 'string' },
  length: { type: 'string' },
  documents: { type: 'string' },
  policy: { type: 'string' },
  calibration: { type: 'string' },
  ...crossFileOptionNames,
  stdio: { type: 'boolean' },
  mirror: { type: 'string' },
  proxy: { type: 'string' },
  folder: { type: 'string', multiple: true },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' },
} as const;

type Parsed = { readonly kind: 'help' | 'version' } | ({ readonly kind: 'command' } & CommandLine);

/** @throws EngineError USAGE */
export function parseCommandLine(argv: readonly string[], currentFolder: string): Parsed {
  const { values, positionals } = parse(argv);
  if (values.help === true) {
    return { kind: 'help' };
  }
  if (values.version === true) {
    return { kind: 'version' };
  }
  const [command, ...operands] = positionals;
  if (command === undefined) {
    throw usageError('No command was given.');
  }
  const repos = (values.repo ?? ['.']).map((folder) => path.resolve(currentFolder, folder));
  return {
    kind: 'command',
    command,
    operands,
    options: {
      repo: repos[0] ?? currentFolder,
      repos,
      repositoryTokens: wholeNumber('repository-tokens', values['repository-tokens'], 0) ?? 0,
      rows: rowType(values.rows),
      model: values.model ?? '',
      attention: attentionMode(values.attention),
      budget: wholeNumber('budget', values.budget, 1) ?? 0,
      threads: wholeNumber('threads', values.threads, 1) ?? 0,
      device: values.device ?? '',
      contextTokens: wholeNumber('context-tokens', values['context-tokens'], 64) ?? 0,
      seed: wholeNumber('seed', values.seed, 0),
      json: values.json === true,
    },
    encode: values.encode === true,
    corpus: values.corpus,
    repositories: values.repositories,
    label: values.label,
    out: values.out,
    depths: wholeNumbers('depths', values.depths, 0),
    lengths: wholeNumbers('lengths', values.lengths, 1),
    synthetic: values.synthetic,
    length: wholeNumber('length', values.length, 256),
    documents: wholeNumber('documents', values.documents, 1),
    policies: values.policy?.split(','),
    calibration: values.calibration,
    crossFile: values,
    stdio: values.stdio === true,
    mirror: address('mirror', values.mirror),
    proxy: values.proxy,
    folders: (values.folder ?? []).map((folder) => path.resolve(currentFolder, folder)),
  };
}

function parse(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: optionNames, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageError(error instanceof Error ? error.message : String(error));
  }
}

function attentionMode(value: string | undefined): AttentionMode {
  if (value === undefined || value === 'auto' || value === 'dense' || value === 'fasa-c' || value === 'fasa-m') {
    return value ?? 'auto';
  }
  throw usageError(`--attention must be auto, dense, fasa-c or fasa-m, not "${value}".`);
}

function address(name: string, value: string | undefined): string | undefined {
  if (value === undefined || (URL.canParse(value) && /^https?:\/\//i.test(value))) {
    return value;
  }
  throw usageError(`--${name} must be an http:// or https:// address, not "${value}".`);
}

function rowType(value = 'f16'): StoreOptions['rowType'] {
  if (value === 'f16' || value === 'q8_0') {
    return value;
  }
  throw usageError(`--rows must be f16 or q8_0, not "${value}".`);
}

function wholeNumber(name: string, value: string | undefined, min: number): number | undefined {
  if (value === undefined) {
    return undefined;
  }
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > 2 ** 31 - 1) {
    throw usageError(`--${name} must be a whole number of at least ${min}, not "${value}".`);
  }
  return number;
}

/** `N,N,...` */
function wholeNumbers(name: string, value: string | undefined, min: number): number[] | undefined {
  return value?.split(',').map((part) => wholeNumber(name, part, min) ?? min);
}

interface FilePlace {
  readonly file: string;
  /** 1-based, as editors show them; the column counts UTF-16 units. */
  readonly line: number;
  readonly column: number;
}

/** `FILE:LINE:COLUMN`; the file's own name may hold colons. @throws EngineError USAGE */
export function parsePlace(text: string): FilePlace {
  const match = /^(.+):(\d+):(\d+)$/s.exec(text);
  const [line, column] = [Number(match?.[2]), Number(match?.[3])];
  if (match?.[1] === undefined || !(line >= 1) || !(column >= 1)) {
    throw usageError(`"${text}" is not FILE:LINE:COLUMN with numbers from 1.`);
  }
  return { file: match[1], line, column };
}
