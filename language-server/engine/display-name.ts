/**
 * A model's name for people: "Qwen2.5-Coder 1.5B Instruct, Q4_K_M". From the fields that a converter wrote, from the file's
 * name where those are missing or say what nobody asked ("8k-lc100k-mix1-ep2"), and from the catalogue where it knows better.
 */

import path from 'node:path';
import { cleanName } from '../protocol/cut';
import type { ModelHeader } from './gguf/header';
import { quantizationInName, withoutQuantization } from './gguf/quantization';

export interface NameFields {
  readonly name?: string | undefined;
  readonly baseName?: string | undefined;
  readonly sizeLabel?: string | undefined;
  readonly finetune?: string | undefined;
}

export type NamedFields = NameFields & Pick<ModelHeader, 'quantization'>;

interface Parts {
  /** Words joined by hyphens. */
  readonly base: string;
  readonly size: string;
  readonly tune: readonly string[];
}

/**
 * @param file its path, or the name that a store has for it
 * @param title the catalogue's, for a file that is known to be its model
 */
export function displayName(fields: NamedFields, file: string, title?: string): string {
  const stem = stemOf(file);
  const quantization = quantizationFor(fields.quantization, quantizationInName(stem));
  const model = title ?? modelName(fields, file);
  return quantization === undefined ? model : `${model}, ${quantization}`;
}

/** Names of files tell mixtures apart that have one number in the header. */
function quantizationFor(ofHeader: string | undefined, inName: string | undefined): string | undefined {
  const isSameKind = ofHeader !== undefined && inName?.slice(0, 4) === ofHeader.slice(0, 4);
  return isSameKind ? inName : (ofHeader ?? inName);
}

/** The same without its quantization, for where that is shown beside it. @param fields as long as a file may have them */
export function modelName(fields: NameFields, file: string): string {
  const clean = (text: string | undefined) => cleanName(text ?? '', '') || undefined;
  const { name, baseName, sizeLabel, finetune } = fields;
  const cleaned = {
    name: clean(name),
    baseName: clean(baseName),
    sizeLabel: clean(sizeLabel),
    finetune: clean(finetune),
  };
  return nameOf(cleaned, stemOf(file));
}

function stemOf(file: string): string {
  return path.basename(file).replace(/\.gguf$/i, '');
}

function nameOf(fields: NameFields, stem: string): string {
  const own = withoutPartNumber(withoutQuantization(stem));
  const ofFile = partsOf(own);
  const ofFields = partsOfFields(fields);
  if (ofFields !== undefined) {
    return spoken(merged(ofFields, ofFile));
  }
  const ofName = partsOf(fields.name ?? '');
  const sized = [ofFile, ofName].find((parts) => parts !== undefined && parts.size !== '');
  if (sized !== undefined) {
    return spoken(sized);
  }
  // a name without a size was given by somebody, who knows it as it is
  return cleanName(ofName === undefined ? own : (fields.name ?? own), 'A model without a name');
}

/** A file of the same base was named by somebody who knew how it is written and which size it is sold as. */
function merged(fields: Parts, file: Parts | undefined): Parts {
  if (file === undefined || plain(file.base) !== plain(fields.base)) {
    return fields;
  }
  const hasCapitals = /[A-Z]/.test(file.base);
  return {
    base: hasCapitals ? file.base : fields.base,
    size: file.size || fields.size,
    tune: fields.tune.length > 0 ? fields.tune : file.tune,
  };
}

function partsOfFields({ baseName, sizeLabel, finetune }: NameFields): Parts | undefined {
  if (baseName === undefined || isNonsenseName(baseName)) {
    return undefined;
  }
  // some converters put all of it into the base name
  const base = partsOf(baseName);
  if (base === undefined) {
    return undefined;
  }
  const tune = wordsOf(finetune ?? '');
  const ofBase = new Set(base.base.toLowerCase().split('-'));
  const more = tune.some(isNonsense) ? [] : tune.filter((word) => isWanted(word) && !ofBase.has(word.toLowerCase()));
  return { base: base.base, size: base.size || sizeLabel || '', tune: base.tune.length > 0 ? base.tune : more };
}

/** @returns undefined for a name that tells nothing */
function partsOf(name: string): Parts | undefined {
  const own = withoutOwner(name);
  const words = wordsOf(own).filter(isWanted);
  const sized = words.findIndex((word) => sizeWord.test(word));
  const tuned = words.findIndex((word, index) => index > 0 && tuneWord.test(word));
  const end = sized >= 0 ? sized : tuned >= 0 ? tuned : words.length;
  const base = words.slice(0, end).join('-');
  if (base === '' || isNonsenseName(own)) {
    return undefined;
  }
  if (sized < 0) {
    return { base, size: '', tune: words.slice(end) };
  }
  const isActive = /^a\d+(\.\d+)?b$/i.test(words[sized + 1] ?? '');
  const sizeEnd = sized + (isActive ? 2 : 1);
  const tune = words.slice(sizeEnd);
  return { base, size: words.slice(sized, sizeEnd).join('-'), tune: tune.some(isNonsense) ? [] : tune };
}

/** What stands before a slash or an underscore is who made it: "deepseek-ai_deepseek-coder-6.7b". */
function withoutOwner(name: string): string {
  const own = name.slice(name.lastIndexOf('/') + 1);
  const at = own.lastIndexOf('_');
  const rest = own.slice(at + 1);
  return at > 0 && /^[a-z][\w.]*-/i.test(rest) ? rest : own;
}

function wordsOf(name: string): string[] {
  return name.split(/[-_:\s]+/).filter((word) => word !== '');
}

/** 135M, 1.5B, 8x7B, 30B. */
const sizeWord = /^(\d+x)?\d+(\.\d+)?[bm]$/i;

const tuneWord = /^(instruct|chat|base|it|thinking|reasoning|sft|dpo|fim|hf|python|kotlin|rust|preview)$/i;

/** What was done to the file and not to the model. */
function isWanted(word: string): boolean {
  return !/^(awq|gptq|bnb|gguf|ggml|imat|imatrix|i1|hf|fp8|nf4|int4|int8|\d+bit|latest|unquantized|gs128)$/i.test(word);
}

/** Letters and digits in a heap, as runs of a training are called; years, versions and sizes are none. */
function isNonsense(word: string): boolean {
  const isKnown = /^v?\d+(\.\d+)*$/i.test(word) || sizeWord.test(word) || /^(a\d+(\.\d+)?b|r1|\d+k|1m)$/i.test(word);
  return !isKnown && /\d/.test(word) && /[a-z]/i.test(word);
}

function isNonsenseName(name: string): boolean {
  return (
    /^(ggml[-_. ]?)?(model|models|unknown|tmp|output|checkpoint|main|snapshot|weights|llama v2|huggingface|hf)?[\s\p{P}]*$/iu.test(
      name,
    ) || /^(sha256[-:])?[0-9a-f]{24,}$/i.test(name)
  );
}

function plain(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

function withoutPartNumber(stem: string): string {
  return stem.replace(/-\d{5}-of-\d{5}$/, '');
}

function spoken({ base, size, tune }: Parts): string {
  const name = /[A-Z]/.test(base) ? base : base.split('-').map(spelled).join('-');
  const sized = size
    .replace(/(\d)b\b/gi, '$1B')
    .replace(/(\d)m\b/gi, '$1M')
    .replace(/^(\d+)X/, '$1x')
    .replace(/-a(?=\d)/, '-A');
  return cleanName(
    [name, sized, ...tune.map(spelled)].filter((part) => part !== '').join(' '),
    'A model without a name',
  );
}

/** As their makers write them. */
const spellings: readonly (readonly [RegExp, string])[] = [
  [/^smollm/i, 'SmolLM'],
  [/^deepseek/i, 'DeepSeek'],
  [/^starcoder/i, 'StarCoder'],
  [/^codellama/i, 'CodeLlama'],
  [/^tinyllama/i, 'TinyLlama'],
  [/^codegemma/i, 'CodeGemma'],
  [/^opencoder/i, 'OpenCoder'],
  [/^gpt$/i, 'GPT'],
  [/^oss$/i, 'OSS'],
  [/^(sft|dpo|fim|it)$/i, ''],
];

function spelled(word: string): string {
  for (const [pattern, spelling] of spellings) {
    if (pattern.test(word)) {
      return spelling === '' ? word.toUpperCase() : word.replace(pattern, spelling);
    }
  }
  return /[A-Z]/.test(word) ? word : word.charAt(0).toUpperCase() + word.slice(1);
}
