/** The content of a folder's index as the protocol shows it: figures, and a list of files. */

import { pathToFileURL } from 'node:url';
import type { ContextFile, ContextFolder, RepositoryStatus } from '../protocol/server';
import type { FileRecord } from './chunk/file-records';
import type { EncodingLane } from './encode/encoding-lane';
import { orderFiles, type RelevanceFacts } from './rank/order';
import type { WorkspaceFolder } from './workspace-folders';

/** A hostile folder may have thousands of rules with problems. */
const maxRuleProblems = 50;

/** @param document the files stand in the order of their relevance to it; absent: in the order of the index */
export function contextFolder(folder: WorkspaceFolder, document?: RelevanceFacts['open'][number]): ContextFolder {
  const { index, choices, sources } = folder;
  const { files, leftOut } = index;
  const paths = document === undefined ? [...files.keys()] : orderFor(folder, document);
  const inContext = paths.flatMap((path) => {
    const record = files.get(path);
    return record === undefined ? [] : [fileOf(record)];
  });
  const out = [...leftOut]
    .map(([path, reason]): ContextFile => {
      const tokens = index.tokensLeftOut(path);
      return { path, tokens, chunks: 0, chunksEncoded: 0, state: 'left out', reason };
    })
    .sort((left, right) => (left.path < right.path ? -1 : 1));
  const withChoice = (file: ContextFile): ContextFile => {
    const choice = choices.at(file.path.replace(/\/$/, ''));
    return choice === undefined ? file : { ...file, choice };
  };
  return {
    uri: pathToFileURL(sources.root).href,
    name: folder.name,
    files: [...inContext, ...out].map(withChoice),
    ...tokensOf(folder),
    budgetTokens: index.sizeLimitTokens,
    ...(index.ruleProblems.length === 0 ? {} : { ruleProblems: index.ruleProblems.slice(0, maxRuleProblems) }),
  };
}

export function repositoryStatus(folder: WorkspaceFolder, lane: EncodingLane): RepositoryStatus {
  const { files, leftOut } = folder.index;
  const reasons: Record<string, number> = {};
  for (const reason of leftOut.values()) {
    reasons[reason] = (reasons[reason] ?? 0) + 1;
  }
  const { progress, paused, diskBytes } = lane;
  return {
    files: files.size,
    filesEncoded: [...files.values()].filter(({ chunks }) => chunks.every((chunk) => chunk.encoded !== undefined))
      .length,
    ...tokensOf(folder),
    leftOut: reasons,
    ...(progress === undefined ? {} : { encoding: progress }),
    ...(paused === undefined ? {} : { paused }),
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}

function orderFor({ index, sources }: WorkspaceFolder, document: RelevanceFacts['open'][number]): string[] {
  const { facts } = index;
  const others = facts.open.filter((file) => file.path !== document.path);
  return orderFiles([...index.files.keys()], sources.root, { ...facts, open: [document, ...others] });
}

function tokensOf({ index }: WorkspaceFolder): { readonly tokens: number; readonly tokensEncoded: number } {
  let tokens = 0;
  let tokensEncoded = 0;
  for (const record of index.files.values()) {
    tokens += record.tokens;
    for (const chunk of record.chunks) {
      tokensEncoded += chunk.encoded === undefined ? 0 : chunk.tokens.length;
    }
  }
  return { tokens, tokensEncoded };
}

function fileOf({ path, tokens, chunks }: FileRecord): ContextFile {
  const chunksEncoded = chunks.filter((chunk) => chunk.encoded !== undefined).length;
  const encoding = chunks.some((chunk) => chunk.state === 'encoding');
  const state = chunksEncoded === chunks.length ? 'encoded' : encoding ? 'encoding' : 'waiting';
  return { path, tokens, chunks: chunks.length, chunksEncoded, state };
}
