/** What of a repository is in the context, as figures and as a list of its files. */

import { pathToFileURL } from 'node:url';
import type { ContextFile, ContextFolder, RepositoryStatus } from '../protocol/server';
import type { FileRecord } from './chunk/file-records';
import type { EncodingLane } from './encode/encoding-lane';
import { orderFiles, type RelevanceFacts } from './rank/order';
import type { Repository } from './workspace-folder';

/** A folder that means harm may have thousands. */
const maxRuleProblems = 50;

/** @param document in whose order the files are to stand */
export function contextFolder(repository: Repository, document?: RelevanceFacts['open'][number]): ContextFolder {
  const { context, choices, sources } = repository;
  const { files, leftOut } = context;
  const paths = document === undefined ? [...files.keys()] : orderFor(repository, document);
  const inContext = paths.flatMap((path) => {
    const record = files.get(path);
    return record === undefined ? [] : [fileOf(record)];
  });
  const out = [...leftOut]
    .map(([path, reason]): ContextFile => {
      const tokens = context.tokensLeftOut(path);
      return { path, tokens, chunks: 0, chunksEncoded: 0, state: 'left out', reason };
    })
    .sort((left, right) => (left.path < right.path ? -1 : 1));
  const withChoice = (file: ContextFile): ContextFile => {
    const choice = choices.at(file.path.replace(/\/$/, ''));
    return choice === undefined ? file : { ...file, choice };
  };
  return {
    uri: pathToFileURL(sources.root).href,
    name: repository.name,
    files: [...inContext, ...out].map(withChoice),
    ...tokensOf(repository),
    budgetTokens: context.budgetTokens,
    ...(context.ruleProblems.length === 0 ? {} : { ruleProblems: context.ruleProblems.slice(0, maxRuleProblems) }),
  };
}

export function repositoryStatus(repository: Repository, lane: EncodingLane): RepositoryStatus {
  const { files, leftOut } = repository.context;
  const reasons: Record<string, number> = {};
  for (const reason of leftOut.values()) {
    reasons[reason] = (reasons[reason] ?? 0) + 1;
  }
  const { progress, paused, diskBytes } = lane;
  return {
    files: files.size,
    filesEncoded: [...files.values()].filter(({ chunks }) => chunks.every((chunk) => chunk.encoded !== undefined))
      .length,
    ...tokensOf(repository),
    leftOut: reasons,
    ...(progress === undefined ? {} : { encoding: progress }),
    ...(paused === undefined ? {} : { paused }),
    ...(diskBytes === undefined ? {} : { diskBytes }),
  };
}

function orderFor({ context, sources }: Repository, document: RelevanceFacts['open'][number]): string[] {
  const facts = context.facts;
  const others = facts.open.filter((file) => file.path !== document.path);
  return orderFiles([...context.files.keys()], sources.root, { ...facts, open: [document, ...others] });
}

function tokensOf({ context }: Repository): { readonly tokens: number; readonly tokensEncoded: number } {
  let tokens = 0;
  let tokensEncoded = 0;
  for (const record of context.files.values()) {
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
