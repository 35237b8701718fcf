import type { Filter } from './filter';

export const trimTrailingSpace: Filter = (text) => text.trimEnd();
