/** Every command of package.json; commands.ts has a handler for each, and a test holds the two lists equal. */
export const commandIds = [
  'fasa.showMenu',
  'fasa.pause',
  'fasa.resume',
  'fasa.restartServer',
  'fasa.showLogs',
  'fasa.openSettings',
  'fasa.chooseModel',
  'fasa.downloadDefaultModel',
  'fasa.shortenTail',
] as const;

export type CommandId = (typeof commandIds)[number];
