/** Documents to calibrate with: the texts of files, joined and cut to equal length. */

interface CalibrationText {
  /** Text of files: special tokens are plain text. */
  readonly tokenize: (text: string) => Int32Array;
  /** The tokens that every document begins with. */
  readonly start: readonly number[];
}

/** Shorter documents say nothing, because all of their tokens are read anyway. */
const minTokens = 256;

/**
 * @param texts of files, in the order in which they are taken; no more are read than the documents need
 * @throws what reading the texts throws
 */
export async function joinCalibrationDocuments(
  texts: AsyncIterable<string>,
  { tokenize, start }: CalibrationText,
  { documentTokens, maxDocuments }: { readonly documentTokens: number; readonly maxDocuments: number },
): Promise<Int32Array[]> {
  const documents: Int32Array[] = [];
  let open: number[] = [...start];
  for await (const text of texts) {
    const tokens = tokenize(text);
    for (let at = 0; at < tokens.length; ) {
      const part = tokens.subarray(at, at + documentTokens - open.length);
      open.push(...part);
      at += part.length;
      if (open.length === documentTokens) {
        documents.push(Int32Array.from(open));
        open = [...start];
      }
    }
    if (documents.length >= maxDocuments) {
      return documents.slice(0, maxDocuments);
    }
  }
  if (open.length > minTokens) {
    documents.push(Int32Array.from(open));
  }
  return documents;
}
