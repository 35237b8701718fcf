import type { Filter } from './filter';

/** A suggestion that says what already follows says nothing. */
export const dropEcho: Filter = (text, cursor) => {
  const said = text.trim();
  const rest = cursor.lineSuffix.trim();
  if (said === '') {
    return '';
  }
  if (rest !== '' && rest.startsWith(said)) {
    return '';
  }
  return rest === '' && said.length > 1 && said === cursor.nextLine.trim() ? '' : text;
};
