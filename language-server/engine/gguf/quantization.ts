/** Names of quantizations, as people and the names of files have them. */

/** `llama_ftype` of llama.h, which `general.file_type` holds. */
const fileTypes: Readonly<Record<number, string>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  7: 'Q8_0',
  8: 'Q5_0',
  9: 'Q5_1',
  10: 'Q2_K',
  11: 'Q3_K_S',
  12: 'Q3_K_M',
  13: 'Q3_K_L',
  14: 'Q4_K_S',
  15: 'Q4_K_M',
  16: 'Q5_K_S',
  17: 'Q5_K_M',
  18: 'Q6_K',
  19: 'IQ2_XXS',
  20: 'IQ2_XS',
  21: 'Q2_K_S',
  22: 'IQ3_XS',
  23: 'IQ3_XXS',
  24: 'IQ1_S',
  25: 'IQ4_NL',
  26: 'IQ3_S',
  27: 'IQ3_M',
  28: 'IQ2_S',
  29: 'IQ2_M',
  30: 'IQ4_XS',
  31: 'IQ1_M',
  32: 'BF16',
  36: 'TQ1_0',
  37: 'TQ2_0',
  38: 'MXFP4',
  39: 'NVFP4',
};

/** `ggml_type` of ggml.h, which a tensor has. */
const tensorTypes: Readonly<Record<number, string>> = {
  0: 'F32',
  1: 'F16',
  2: 'Q4_0',
  3: 'Q4_1',
  6: 'Q5_0',
  7: 'Q5_1',
  8: 'Q8_0',
  10: 'Q2_K',
  11: 'Q3_K',
  12: 'Q4_K',
  13: 'Q5_K',
  14: 'Q6_K',
  16: 'IQ2_XXS',
  17: 'IQ2_XS',
  18: 'IQ3_XXS',
  19: 'IQ1_S',
  20: 'IQ4_NL',
  21: 'IQ3_S',
  22: 'IQ2_S',
  23: 'IQ4_XS',
  29: 'IQ1_M',
  30: 'BF16',
  34: 'TQ1_0',
  35: 'TQ2_0',
  39: 'MXFP4',
  40: 'NVFP4',
};

/** A file type is more exact than the tensors' (`Q4_K_M` mixes two), and a wrong one shows in none of them. */
export function quantizationOf(
  fileType: number | undefined,
  weightsPerType: ReadonlyMap<number, number>,
): string | undefined {
  const [most] = [...weightsPerType].toSorted(([, a], [, b]) => b - a);
  const ofTensors = most === undefined ? undefined : tensorTypes[most[0]];
  const ofFile = fileType === undefined ? undefined : fileTypes[fileType % 1024];
  if (ofFile === undefined || ofTensors === undefined) {
    return ofFile ?? ofTensors;
  }
  // converters leave F16 or F32 in the key of files that were quantized later
  const isPlain = (name: string) => /^(F32|F16|BF16)$/.test(name);
  return isPlain(ofFile) && !isPlain(ofTensors) ? ofTensors : ofFile;
}

const inName =
  /(?:^|[-._])(?:UD-)?((?:IQ[1-4]_(?:XXS|XS|S|M|NL)|T?Q[1-8]_(?:K_?(?:XXL|XL|S|M|L)?|0|1)|Q[1-8]_K|BF16|FP?16|FP?32|MXFP4)(?:_[0-9]_[0-9])?)(?=[-._]|$)/i;

/** As the name of a file has it. */
export function quantizationInName(name: string): string | undefined {
  const found = inName.exec(name)?.[1]?.toUpperCase();
  return found?.replace(/^FP/, 'F');
}

/** The name without it and what surrounds it. */
export function withoutQuantization(name: string): string {
  return name.replace(inName, '').replace(/(?<![-._\s])[-._\s]+$/, '');
}
