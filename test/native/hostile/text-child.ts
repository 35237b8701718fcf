/** The child of the hostile-text tests: tokenizes a long run and says whether its tokens give the text back. */

import { loadAddon } from '../../../language-server/engine/native/load-addon';

export interface TextInput {
  readonly path: string;
  readonly unit: string;
  readonly characters: number;
}

export type TextAttempt = { readonly bytes: 'the same' | 'others' } | { readonly code: string | undefined };

const addon = loadAddon();

async function tokenizeRun({ path, unit, characters }: TextInput): Promise<TextAttempt> {
  const model = await addon.loadModel({ path }, () => {}).promise;
  try {
    const text = unit.repeat(characters / unit.length);
    const known = new Map<number, Uint8Array>();
    const pieces = [...model.tokenize(text, false)].map((token) => {
      const bytes = known.get(token) ?? model.tokenBytes(token);
      known.set(token, bytes);
      return bytes;
    });
    return { bytes: Buffer.concat(pieces).equals(Buffer.from(text)) ? 'the same' : 'others' };
  } catch (error) {
    return { code: (error as { code?: string }).code };
  } finally {
    model.dispose();
  }
}

process.on('message', (input: TextInput) => {
  tokenizeRun(input).then(
    (result) => process.send?.({ result }),
    (error: unknown) => {
      throw error;
    },
  );
});
process.send?.('ready');
