/** A split model in our folder: fetched in parts, kept as one file, with a note of which parts it is of. */

import { rm, stat } from 'node:fs/promises';
import { readOwnText, writeWhole } from '../../base/cache-files';
import { type JoinOptions, joinParts } from '../../engine/gguf/join';
import { list, number, object, string } from '../../protocol/validate';
import { recordFile } from '../verified';

export interface KnownPart {
  readonly file: string;
  /** Lower-case hex; undefined where the hub does not say it. */
  readonly sha256: string | undefined;
}

/** The file that the parts become. @param first the path of the first part */
export function joinedName(first: string): string {
  return first.replace(/-\d{5}-of-\d{5}(?=\.gguf$)/i, '');
}

export function joinRecord(file: string): string {
  return `${file}.joined`;
}

const recordShape = object({ parts: list(string(64), 100), size: number, mtimeMs: number, ctimeMs: number });

/** Whether the file is there, is as it was made, and was made of these parts. */
export async function isJoined(file: string, parts: readonly KnownPart[]): Promise<boolean> {
  const stats = await stat(file).catch(() => undefined);
  try {
    const record = recordShape(JSON.parse(readOwnText(joinRecord(file), 1 << 14) ?? ''), 'record');
    return (
      stats?.isFile() === true &&
      record.size === stats.size &&
      record.mtimeMs === stats.mtimeMs &&
      record.ctimeMs === stats.ctimeMs &&
      record.parts.length === parts.length &&
      parts.every(({ sha256 }, index) => sha256 !== undefined && sha256 === record.parts[index])
    );
  } catch {
    return false;
  }
}

/** The parts, which were checked, go when the file is whole. @throws what {@link joinParts} throws */
export async function joinInto(file: string, parts: readonly KnownPart[], options: JoinOptions): Promise<void> {
  await joinParts(
    parts.map((part) => part.file),
    file,
    options,
  );
  const { size, mtimeMs, ctimeMs } = await stat(file);
  const hashes = parts.map(({ sha256 }) => sha256 ?? '');
  await writeWhole(joinRecord(file), `${JSON.stringify({ parts: hashes, size, mtimeMs, ctimeMs })}\n`);
  for (const part of parts) {
    await rm(part.file, { force: true });
    await rm(recordFile(part.file), { force: true });
  }
}
