// node scripts/texts.mjs
//
// Moves the texts of package.json that a user reads into package.nls.json, so that they can be translated: each becomes
// %its.name%. Run it after adding a command, a setting or a view with its text in package.json; texts that moved stay.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { main } from './lib/failure.mjs';
import { root } from './lib/paths.mjs';

const manifestFile = path.join(root, 'package.json');
const textsFile = path.join(root, 'package.nls.json');
/** The fields of an entry that the editor shows; the others are for the machine. */
const shown = new Set([
  'title',
  'shortTitle',
  'category',
  'description',
  'markdownDescription',
  'deprecationMessage',
  'markdownDeprecationMessage',
  'fullName',
  'label',
  'altText',
  'name',
  'contextualTitle',
  'contents',
  'displayName',
  'sampleRequest',
]);
const lists = new Set(['enumDescriptions', 'markdownEnumDescriptions']);
/** Ids that look like words but are given by a program. */
const notShown = [
  /^languageModelChatProviders\./,
  /^chatParticipants\.[^.]+\.name$/,
  /^chatParticipants\.[^.]+\.commands\.[^.]+\.name$/,
];

/** An entry of a list is named by its own id, so that the order may change. */
function idOf(entry, index) {
  const id = entry?.command ?? entry?.id ?? entry?.name ?? entry?.view ?? String(index);
  return String(id).replace(/^fasa\./, '');
}

await main(() => {
  const manifest = JSON.parse(readFileSync(manifestFile, 'utf8'));
  const known = JSON.parse(readFileSync(textsFile, { encoding: 'utf8', flag: 'a+' }) || '{}');
  const texts = {};
  const moved = (name, value) => {
    const key = /^%(.+)%$/.exec(value)?.[1];
    if (/^commands\..*\.category$/.test(name)) name = 'category';
    texts[key ?? name] = key === undefined ? value : known[key];
    return `%${key ?? name}%`;
  };
  const visit = (value, name) => {
    if (Array.isArray(value)) {
      for (const [index, entry] of value.entries()) visit(entry, `${name}.${idOf(entry, index)}`);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      const own = `${name}.${key.replace(/^fasa\./, '')}`;
      const list = lists.has(key) && Array.isArray(item);
      if (list) value[key] = item.map((text, index) => moved(`${own}.${value.enum?.[index] ?? index}`, text));
      else if (shown.has(key) && typeof item === 'string' && item !== '' && !notShown.some((one) => one.test(own)))
        value[key] = moved(own, item);
      else visit(item, own);
    }
  };
  for (const [key, value] of Object.entries(manifest.contributes)) {
    if (key !== 'menus' && key !== 'keybindings') visit(value, key);
  }
  for (const [key, value] of Object.entries(manifest.capabilities)) {
    if (typeof value === 'object') value.description = moved(`capabilities.${key}`, value.description);
  }
  manifest.displayName = moved('displayName', manifest.displayName);
  manifest.description = moved('description', manifest.description);
  const short = (text) => text.replaceAll('configuration.properties.', 'setting.').replace(/^commands\./, 'command.');
  const named = Object.fromEntries(Object.entries(texts).map(([key, text]) => [short(key), text]));
  const renamed = JSON.stringify(manifest, null, 2).replace(/"%([^"%]+)%"/g, (_all, key) => `"%${short(key)}%"`);
  writeFileSync(manifestFile, `${renamed}\n`);
  writeFileSync(textsFile, `${JSON.stringify(named, null, 2)}\n`);
  process.stdout.write(`${Object.keys(named).length} texts in package.nls.json\n`);
});
