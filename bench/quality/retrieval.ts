/** `eval retrieval`: constants that are defined once, far away, and asked for at the end. */

import type { CommandLine } from '../../language-server/cli/arguments';
import type { Output } from '../../language-server/cli/output';
import type { NativeModel } from '../../language-server/engine/native/addon';
import type { LaboratoryOpenModel } from '../common/addon';
import { bestToken } from '../common/compare-logits';
import { randomNumbers, shuffled } from '../common/statistics';
import { printReport } from '../common/table';
import type { EvalDocument } from './documents';
import { type EvalPolicy, recordOf, runPolicy, runReference, withDocuments } from './runs';

const casesPerDocument = 8;
/** Constants are planted in this part of the document, so that at least the rest lies between definition and question. */
const plantedShare = 0.4;
/** Room for question and answer. */
const questionTokens = 64;

interface RetrievalRecord {
  readonly policy: EvalPolicy;
  readonly length: number;
  readonly budget: number;
  readonly cases: number;
  readonly denseCorrect: number;
  readonly sparseCorrect: number;
  readonly sparseCorrectGivenDense: number;
}

interface Constant {
  readonly name: string;
  /** Five digits. */
  readonly value: string;
}

export async function evalRetrieval(line: CommandLine, output: Output, signal: AbortSignal): Promise<void> {
  await withDocuments(line, output, signal, async ({ opened, policies, documents, length, budget, context }) => {
    const random = randomNumbers(line.options.seed ?? 1);
    const denseCorrect: boolean[] = [];
    const correct = new Map<EvalPolicy, boolean[]>(policies.map((policy) => [policy, []]));
    for (const [i, document] of documents.entries()) {
      const constants = constantsOf(random);
      const prefix = plant(opened.model, document, constants, length - questionTokens);
      for (const [k, constant] of constants.entries()) {
        const ask = question(opened.model, prefix, constant);
        for (const policy of policies) {
          const logits = await runPolicy(context, policy, { ...ask, budget }, signal);
          correct.get(policy)?.push(isRight(opened, ask, logits));
        }
        denseCorrect.push(isRight(opened, ask, await runReference(context, ask, signal)));
        output.progress('Constants', (i * casesPerDocument + k + 1) / (documents.length * casesPerDocument));
      }
    }
    output.progressDone();
    const count = (list: readonly boolean[]) => list.filter((one) => one).length;
    const records = [...correct].map(
      ([policy, list]): RetrievalRecord => ({
        policy,
        length,
        budget,
        cases: list.length,
        denseCorrect: count(denseCorrect),
        sparseCorrect: count(list),
        sparseCorrectGivenDense: count(list.filter((_, i) => denseCorrect[i] === true)),
      }),
    );
    const dense = `dense has ${count(denseCorrect)} of ${denseCorrect.length} right`;
    printReport(output, line.options.json, {
      record: recordOf(records),
      heading: [`${opened.model.info.name}: constants in ${length} tokens, budget ${budget}; ${dense}`],
      rows: records,
      columns: [
        { title: 'policy', text: ({ policy }) => policy },
        { title: 'right', text: ({ sparseCorrect }) => String(sparseCorrect) },
        { title: 'of those that dense has right', text: (row) => String(row.sparseCorrectGivenDense) },
      ],
    });
  });
}

/** The same names in every document, in another order and with other values. */
function constantsOf(random: () => number): Constant[] {
  const first = ['RETRY', 'BUFFER', 'SESSION', 'WINDOW', 'SHARD', 'LEASE', 'QUEUE', 'BATCH'];
  const second = ['LIMIT', 'OFFSET', 'QUOTA', 'WEIGHT', 'PERIOD', 'SALT', 'DEPTH', 'MARGIN'];
  const third = ['ALPHA', 'BRAVO', 'DELTA', 'GAMMA', 'KAPPA', 'OMEGA', 'SIGMA', 'THETA'];
  const [a, b, c] = [first, second, third].map((words) => shuffled(words, random));
  return Array.from({ length: casesPerDocument }, (_, i) => ({
    name: `${a?.[i]}_${b?.[i]}_${c?.[i]}`,
    value: String(10_000 + Math.floor(random() * 90_000)),
  }));
}

/** Puts the definitions on lines of their own, evenly spread over the first part. */
function plant(model: NativeModel, document: EvalDocument, constants: readonly Constant[], length: number): Int32Array {
  const tokens: number[] = [];
  let at = 0;
  constants.forEach((constant, i) => {
    const wanted = ((i + 0.5) / constants.length) * plantedShare * length;
    const line = document.lines.find((start) => start >= wanted) ?? at;
    tokens.push(...document.tokens.slice(at, line));
    tokens.push(...model.tokenize(`${constant.name} = ${constant.value}\n`, false));
    at = line;
  });
  tokens.push(...document.tokens.slice(at));
  // whole lines, so that the question begins one
  const added = tokens.length - document.tokens.length;
  const end = document.lines.findLast((start) => start + added <= length) ?? 0;
  return Int32Array.from(tokens.slice(0, end + added));
}

interface Question {
  readonly tokens: Int32Array;
  readonly from: number;
  /** Tokens of the answer, at the end but for the last one, which is only predicted. */
  readonly answer: Int32Array;
}

/** The question is decoded token by token, too: the step that predicts the first digit is the one that has to find it. */
function question(model: NativeModel, prefix: Int32Array, { name, value }: Constant): Question {
  const asked = model.tokenize(`\nassert ${name} =`, false);
  const answer = model.tokenize(`${name} = ${value}`, false).slice(model.tokenize(`${name} =`, false).length);
  return { tokens: Int32Array.from([...prefix, ...asked, ...answer.slice(0, -1)]), from: prefix.length, answer };
}

/** Whether every token of the answer is the most likely one, as greedy decoding would give it. */
function isRight({ model }: LaboratoryOpenModel, { tokens, from, answer }: Question, logits: Float32Array): boolean {
  const { vocabulary } = model.info;
  const first = tokens.length - answer.length - from;
  return answer.every((token, i) => {
    const row = logits.subarray((first + i) * vocabulary, (first + i + 1) * vocabulary);
    return bestToken(row) === token;
  });
}
