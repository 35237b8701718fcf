/** What a GGUF header says of a model, read without loading it: from a file, or from wherever its first bytes come. */

import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { EngineError } from '../../base/errors';
import { cleanName } from '../../protocol/cut';
import { type ParsedHeader, parseHeader } from './parse';
import { quantizationOf } from './quantization';

export interface ModelHeader {
  readonly architecture: string | undefined;
  /** `general.type`: model, adapter, mmproj, imatrix... */
  readonly type: string | undefined;
  readonly name: string | undefined;
  readonly baseName: string | undefined;
  readonly sizeLabel: string | undefined;
  readonly finetune: string | undefined;
  /** Such as `Q4_K_M`. */
  readonly quantization: string | undefined;
  /** 0 where the header was not read to its end. */
  readonly parameters: number;
  readonly trainedContext: number | undefined;
  readonly layers: number | undefined;
  /** f16 keys and values of one token over all layers; undefined where the header does not say enough. */
  readonly kvBytesPerToken: number | undefined;
  readonly experts: number;
  /** The model makes one vector of a text. */
  readonly pools: boolean;
  /** A token attends to those before it alone. */
  readonly causal: boolean;
  readonly split: { readonly part: number; readonly parts: number } | undefined;
  readonly hasChatTemplate: boolean;
  readonly hasVocabulary: boolean;
  readonly tensorCount: number;
}

export interface ByteSource {
  /** Of all of it; undefined where nobody knows. */
  readonly size: number | undefined;
  /** @returns fewer bytes only where it ends */
  read(offset: number, length: number): Promise<Uint8Array>;
}

const firstBytes = 1 << 18;
/** The largest headers are vocabularies of 260,000 tokens with their merges: about 12 MB. */
const maxHeaderBytes = 1 << 26;

/** @throws EngineError FILE_NOT_FOUND, FILE_UNREADABLE, NOT_GGUF, BAD_GGUF, UNSUPPORTED_MODEL */
export async function readHeaderOfFile(
  file: string,
): Promise<{ readonly header: ModelHeader; readonly bytes: number }> {
  // a pipe in its place would wait for somebody to write
  const handle = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch((cause: unknown) => {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new EngineError(missing ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE', missing ? 'is gone' : 'cannot be read', {
      cause,
    });
  });
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new EngineError('FILE_UNREADABLE', 'is no file');
    }
    const read = async (offset: number, length: number) => {
      const bytes = Buffer.alloc(Math.max(0, Math.min(length, stats.size - offset)));
      let filled = 0;
      for (let count = -1; count !== 0 && filled < bytes.length; filled += count) {
        count = (await handle.read(bytes, filled, bytes.length - filled, offset + filled)).bytesRead;
      }
      return bytes.subarray(0, filled);
    };
    return { header: await readHeader({ size: stats.size, read }), bytes: stats.size };
  } finally {
    await handle.close();
  }
}

/**
 * As few bytes as tell about the model.
 * @param options.untilVocabulary what follows the model's shape is not needed: a download has not begun yet
 * @throws EngineError NOT_GGUF, BAD_GGUF, UNSUPPORTED_MODEL
 */
export async function readHeader(
  source: ByteSource,
  options: { readonly untilVocabulary?: boolean; readonly maxBytes?: number } = {},
): Promise<ModelHeader> {
  const maxBytes = options.maxBytes ?? maxHeaderBytes;
  let bytes: Uint8Array = new Uint8Array(0);
  for (let wanted = firstBytes; ; wanted *= 4) {
    const length = Math.min(wanted, maxBytes);
    const more = await source.read(bytes.length, length - bytes.length);
    bytes = Buffer.concat([bytes, more]);
    const isWhole = bytes.length < length || bytes.length === source.size;
    const parsed = parseHeader(bytes, isWhole);
    const tells = options.untilVocabulary === true && parsed.endsAt?.startsWith('tokenizer.') === true;
    if (parsed.endsAt === undefined || (tells && factsOf(parsed).kvBytesPerToken !== undefined)) {
      return factsOf(parsed);
    }
    if (length === maxBytes) {
      throw new EngineError('BAD_GGUF', `has a header of more than ${maxBytes} bytes`);
    }
  }
}

function factsOf(parsed: ParsedHeader): ModelHeader {
  const { scalars } = parsed;
  const text = (key: string): string | undefined => {
    const value = scalars.get(key);
    return typeof value === 'string' ? cleanName(value, '') || undefined : undefined;
  };
  const count = (key: string): number | undefined => {
    const value = scalars.get(key);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
  };
  const architecture = text('general.architecture');
  const of = (key: string) => `${architecture}.${key}`;
  const parts = count('split.count') ?? 0;
  return {
    architecture,
    type: text('general.type'),
    name: text('general.name'),
    baseName: text('general.basename'),
    sizeLabel: text('general.size_label'),
    finetune: text('general.finetune'),
    quantization: quantizationOf(count('general.file_type'), parsed.tensors.perType),
    parameters: parsed.endsAt === undefined ? parsed.tensors.parameters : 0,
    trainedContext: count(of('context_length')),
    layers: count(of('block_count')),
    kvBytesPerToken: kvBytes(parsed, of, count),
    experts: count(of('expert_count')) ?? 0,
    pools: (count(of('pooling_type')) ?? 0) > 0,
    causal: scalars.get(of('attention.causal')) !== false,
    split: parts > 1 ? { part: (count('split.no') ?? 0) + 1, parts } : undefined,
    hasChatTemplate: typeof scalars.get('tokenizer.chat_template') === 'string',
    hasVocabulary: parsed.lengths.has('tokenizer.ggml.tokens'),
    tensorCount: parsed.tensorCount,
  };
}

/** As the native engine counts it: two bytes for each dimension of each KV head of each layer, of keys and of values. */
function kvBytes(
  parsed: ParsedHeader,
  of: (key: string) => string,
  count: (key: string) => number | undefined,
): number | undefined {
  const layers = count(of('block_count'));
  const embedding = count(of('embedding_length'));
  const heads = perLayer(parsed, of('attention.head_count'), layers);
  if (layers === undefined || heads === undefined || heads[0] === undefined || heads[0] === 0) {
    return undefined;
  }
  const kvHeads = perLayer(parsed, of('attention.head_count_kv'), layers) ?? heads;
  const keySize = count(of('attention.key_length')) ?? (embedding === undefined ? undefined : embedding / heads[0]);
  if (keySize === undefined) {
    return undefined;
  }
  const valueSize = count(of('attention.value_length')) ?? keySize;
  const bytes = 2 * (keySize + valueSize) * kvHeads.reduce((sum, heads) => sum + heads, 0);
  return Number.isFinite(bytes) && bytes > 0 ? Math.round(bytes) : undefined;
}

/** One number for all layers, or a list with one for each. */
function perLayer(parsed: ParsedHeader, key: string, layers = 0): readonly number[] | undefined {
  const list = parsed.lists.get(key);
  if (list !== undefined) {
    return list.length === layers ? list : undefined;
  }
  const value = parsed.scalars.get(key);
  return typeof value === 'number' && layers <= 4096 ? Array<number>(layers).fill(value) : undefined;
}
