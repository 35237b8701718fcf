import { loopStart } from '../loop';
import { withoutDangling } from '../sensible-end';
import type { Filter } from './filter';

/** Keeps what stands before a loop, and nothing after it. */
export const dropRepetition: Filter = (text) => {
  const loop = loopStart(text);
  return loop === undefined ? text : withoutDangling(text.slice(0, loop));
};
