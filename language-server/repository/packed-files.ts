/** Other files of a repository, already tokens, to stand before the tail of a prompt. */

/** How a file is set off from others: by a comment that names it, or by the model's own separator token. */
export type FileForm = 'comment' | 'separator';

export interface PackedFiles {
  readonly form: FileForm;
  readonly tokens: readonly Int32Array[];
}
