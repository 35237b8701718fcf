/** Whether a file can be used as a model, told from its header alone, and why not. */

import { EngineError } from '../base/errors';
import type { ModelHeader } from '../engine/gguf/header';
import type { Support } from '../protocol/models';

/** Those of the native graph (`native/model/hparams.cc`), whose word is the last: a test holds both to the same. */
export const supportedArchitectures: readonly string[] = ['llama', 'qwen2', 'qwen3'];

/** Models that make one vector of a text and write none, beside the many BERTs. */
const embeddingArchitectures: ReadonlySet<string> = new Set(['t5encoder', 'gemma-embedding', 'llama-embed']);

export function supportOf(header: ModelHeader): Support {
  const reason = whyNot(header);
  return reason === undefined ? { supported: true } : { supported: false, reason };
}

/** Of a model whose parts are all at hand, by the header of the first one. @param parts 1 for a model in one file */
export function supportOfParts(header: ModelHeader, parts: number): Support {
  // the first part may hold the metadata alone
  return supportOf(parts > 1 ? { ...header, split: undefined, tensorCount: Math.max(1, header.tensorCount) } : header);
}

/** Of a file whose header could not be read. @throws what is no EngineError */
export function supportOfFailure(error: unknown): Support {
  if (error instanceof EngineError) {
    return { supported: false, reason: error.message };
  }
  throw error;
}

function whyNot(header: ModelHeader): string | undefined {
  const { architecture, type, split } = header;
  // before all else: later parts of a split model say nothing of what they are
  if (split !== undefined) {
    return `is part ${split.part} of ${split.parts} of a split model`;
  }
  if (type === 'adapter') {
    return 'is an adapter (LoRA), which changes a model and is none';
  }
  if (type === 'mmproj' || architecture === 'clip') {
    return 'is the part of a model that sees images (mmproj), not the model';
  }
  if (type === 'imatrix' || architecture === 'imatrix') {
    return 'holds what quantizing needs (an importance matrix), not a model';
  }
  if (architecture === undefined) {
    return 'does not say of which architecture it is';
  }
  if (header.pools || !header.causal || architecture.includes('bert') || embeddingArchitectures.has(architecture)) {
    return 'is an embedding model: it makes vectors of texts and writes none';
  }
  if (header.tensorCount === 0) {
    return 'is a vocabulary without a model';
  }
  if (!supportedArchitectures.includes(architecture)) {
    return `is of the architecture ${architecture}, and ${listed(supportedArchitectures)} are supported`;
  }
  return header.experts > 0 ? 'is a mixture of experts, which is not supported yet' : undefined;
}

function listed(names: readonly string[]): string {
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
