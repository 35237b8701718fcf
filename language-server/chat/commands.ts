/** What a question's command asks for, in words for the model. */

import type { AskCommand } from '../protocol/server';

const changes =
  'Show each change as the file\'s path on a line of its own and then a code block that holds "<<<<<<< SEARCH", the old ' +
  'lines exactly as they are, "=======", the new lines, and ">>>>>>> REPLACE".';

const words: Readonly<Record<AskCommand, string>> = {
  explain: 'Explain what this code does and why, step by step.',
  fix: `Find what is wrong in this code and correct it. ${changes}`,
  tests: 'Write tests of this code, with the test framework that the repository uses, as one code block.',
  doc: `Write the documentation comments that this code lacks, in the style of its language. ${changes}`,
  review: 'Review this code: name the bugs, risks and unclear places, the gravest first, each with its line.',
};

/** The question as the model reads it. */
export function questionText(command: AskCommand | undefined, question: string): string {
  const own = question.trim();
  if (command === undefined) {
    return question;
  }
  return own === '' ? words[command] : `${words[command]}\n${own}`;
}
