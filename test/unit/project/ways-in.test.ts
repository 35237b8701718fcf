/** Which parts of the server make tokens of texts, and what each text has passed before: a new way in has to be named here. */

import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const server = path.resolve(import.meta.dirname, '..', '..', '..', 'language-server');

/**
 * By file, what its texts are. The gate is `index/discover/gate.ts`; the reader is `SourceFiles`, which asks the same of files.
 * Measurements of the command line tokenize what the user names by hand and texts of their own, so they are not listed.
 */
const ways: Readonly<Record<string, string>> = {
  'index/chunk/chunker.ts': 'files of the context: the reader',
  'index/chunk/block-lines.ts': 'texts that were chunked or asked about: the reader or the gate',
  'completion/prompt/prompt.ts': 'the document around the cursor, cells of a notebook: the gate',
  'chat/template/template.ts': 'what stands between two messages, and the template itself',
  'chat/ask.ts': "the model's own answer",
  'chat/conversations.ts': 'earlier questions and answers, as the client tells them',
  'chat/prompt-texts.ts': 'names of texts',
  'chat/messages.ts': "messages of the editor's own chat, as the client tells them",
  'chat/fit.ts': 'files, selections, attachments: the reader or the gate',
  'chat/prompt.ts': 'instructions, and the question as the user wrote it',
  'chat/feature.ts': 'texts that are counted alone',
  'engine/calibration/documents.ts': 'files of the open folders: the reader',
  'engine/calibration/background-calibration.ts': 'files of the open folders: the reader',
};

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => name.split(path.sep).join('/'))
    .filter(
      (name) =>
        name.endsWith('.ts') &&
        !name.startsWith('engine/native/') &&
        name !== 'engine/engine.ts' &&
        !name.startsWith('cli/'),
    );
}

test('every part that makes tokens of texts is known', () => {
  const found = sources(server).filter((name) =>
    /\.tokenize(?:Template)?\(|\btokenize\(/.test(readFileSync(path.join(server, name), 'utf8')),
  );
  expect(found.toSorted()).toEqual(Object.keys(ways).toSorted());
});
