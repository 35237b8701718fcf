/** `eval cross-file` and `eval citations` over the default model, on a repository of three small files. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrossFileRecord } from '../../bench/cross-file/record';
import { laboratory } from '../../bench/main';
import { parseCommandLine } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import { defaultModelFile } from './default-model';

const backoff = `"""Waiting between attempts."""


class BackoffSchedule:
    def __init__(self, first_delay_seconds, largest_delay_seconds):
        self.first_delay_seconds = first_delay_seconds
        self.largest_delay_seconds = largest_delay_seconds

    def delay_before_attempt(self, attempt):
        return min(self.largest_delay_seconds, self.first_delay_seconds * 2 ** attempt)


def read_backoff_schedule(config):
    return BackoffSchedule(config["first"], config["largest"])
`;
const client = `"""Sends requests, again and again if it has to."""

import time

from backoff import BackoffSchedule, read_backoff_schedule


class Client:
    def __init__(self, transport, config):
        self.transport = transport
        self.config = config
        # what the server said last, for the log
        self.answers = []
        self.failures = 0

    def send(self, request):
        last = None
        for attempt in range(self.config["attempts"]):
            answer = self.transport.send(request)
            self.answers.append(answer)
            if answer.ok:
                return answer
            last = answer
            self.failures += 1
            time.sleep(self.schedule.delay_before_attempt(attempt))
        return last
`;
const report = `"""Prints how it went."""


def print_summary(answers):
    for number, answer in enumerate(answers):
        print(number, answer.status, answer.seconds)

    print("failures:", sum(1 for answer in answers if not answer.ok))
`;

describe('evaluation of a repository', { timeout: 240_000 }, () => {
  let folder = '';
  const before = { cache: process.env['FASA_CACHE_DIR'], model: process.env['FASA_MODEL'] };

  beforeAll(() => {
    process.env['FASA_MODEL'] = defaultModelFile();
    folder = mkdtempSync(path.join(tmpdir(), 'fasa-cross-file-'));
    process.env['FASA_CACHE_DIR'] = path.join(folder, 'cache');
    const repository = path.join(folder, 'repository');
    mkdirSync(repository);
    writeFileSync(path.join(repository, 'backoff.py'), backoff);
    writeFileSync(path.join(repository, 'client.py'), client);
    writeFileSync(path.join(repository, 'report.py'), report);
  });

  afterAll(() => {
    for (const [name, value] of [['FASA_CACHE_DIR', before.cache] as const, ['FASA_MODEL', before.model] as const]) {
      if (value === undefined) {
        delete process.env[name];
      } else {
        process.env[name] = value;
      }
    }
    rmSync(folder, { recursive: true, force: true });
  });

  async function run<T>(...argv: string[]): Promise<T> {
    const line = parseCommandLine(['eval', ...argv, '--corpus', path.join(folder, 'repository'), '--json'], folder);
    if (line.kind !== 'command') {
      throw new Error('not a command');
    }
    let result: unknown;
    const output: Output = {
      result: () => undefined,
      line: () => undefined,
      lines: () => undefined,
      json: (value) => {
        result = value;
      },
      message: () => undefined,
      progress: () => undefined,
      progressDone: () => undefined,
    };
    await laboratory.evaluate(line, output, new AbortController().signal);
    return result as T;
  }

  it('finds names of another file more likely with its chunks, by dense or sparse attention or in the prompt', async () => {
    // the import is out of the tail's sight
    const record = await run<CrossFileRecord>('cross-file', '--cases', '4', '--dense-cases', '4', '--tail', '176');
    expect(record.cases).toBeGreaterThan(0);
    expect(record.casesWithDense).toBe(record.cases);
    expect(record.nllFasa).toBeLessThan(record.nllNone);
    expect(record.nllDense).toBeLessThan(record.nllNone);
    expect(record.nllBm25).toBeLessThan(record.nllNone);
    expect(record.conditions.map(({ condition }) => condition)).toEqual(
      expect.arrayContaining(['none', 'bm25', 'dense', 'fasa', 'fasa-all', 'chunks-dense']),
    );
    expect(record.languages.map(({ language }) => language)).toEqual(['python']);
    expect(record.definitionRecall.at(-1)).toEqual({ tokens: 16_384, ranked: 1, bm25: 1 });
    // three small files fit the budget nearly whole, and then sparse is dense
    const sparse = record.conditions.find(({ condition }) => condition === 'fasa');
    expect(sparse?.tokensCompared).toBeGreaterThan(8);
    expect(sparse?.meanKl).toBeLessThan(0.05);
    expect(sparse?.agreement).toBeGreaterThan(0.8);
  });

  it('ranks files by the attention of answers about planted constants, with figures that are shares', async () => {
    const record = await run<Readonly<Record<string, number>>>('citations', '--cases', '3');
    expect(record['questions']).toBe(3);
    for (const name of ['precisionAt1', 'precisionAt3', 'bm25PrecisionAt1', 'bm25PrecisionAt3', 'answered']) {
      expect(record[name]).toBeGreaterThanOrEqual(0);
      expect(record[name]).toBeLessThanOrEqual(1);
    }
    // three files: any order has the right one among three
    expect(record['randomPrecisionAt3']).toBe(1);
    expect(record['bm25PrecisionAt3']).toBe(1);
    expect(record['precisionAt3']).toBeGreaterThan(0);
  });
});
