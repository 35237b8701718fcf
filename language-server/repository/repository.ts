/** One folder of the workspace as context for the model: which files go in front of a prompt, and what was left out. */

import path from 'node:path';
import type { Engine } from '../engine/engine';
import type { RepositoryStatus } from '../protocol';
import type { LeftOutReason } from './left-out';
import { FilePacker, type Packed } from './pack';
import type { FileForm } from './packed-files';
import { relatedFiles } from './related-files';
import { SourceFiles } from './source-files';

export class Repository {
  readonly name: string;
  readonly sources: SourceFiles;
  readonly packer = new FilePacker();
  #status: RepositoryStatus | undefined;

  /** @param root absolute path of the folder */
  constructor(root: string) {
    this.sources = new SourceFiles(root);
    this.name = path.basename(this.sources.root) || 'repository';
  }

  /** What the last packing put into the context; undefined before it. */
  get status(): RepositoryStatus | undefined {
    return this.#status;
  }

  /** Files that belong with a document, as tokens, at most `mostTokens` of them. */
  async pack(engine: Engine, file: string, text: string, form: FileForm, mostTokens: number): Promise<Packed> {
    const { files, leftOut } = await relatedFiles(this.sources, file, text);
    const packed = this.packer.pack(engine, files, form, mostTokens);
    this.noteContext(packed, leftOut);
    return packed;
  }

  /** Keeps the figures of what is in the context and what is not. */
  noteContext(packed: Packed, leftOut: ReadonlyMap<string, LeftOutReason>): void {
    const reasons: Record<string, number> = {};
    for (const reason of leftOut.values()) {
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
    if (packed.overLimit.length > 0) {
      reasons['over the limit'] = packed.overLimit.length;
    }
    this.#status = {
      files: packed.paths.length + packed.overLimit.length + leftOut.size,
      filesEncoded: packed.paths.length,
      tokens: packed.tokenCount,
      tokensEncoded: packed.tokenCount,
      leftOut: reasons,
    };
  }
}
