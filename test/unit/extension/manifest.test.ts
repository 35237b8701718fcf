import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commandIds } from '../../../extension/command-ids';
import { tooltipCommands } from '../../../extension/status/tooltip';
import { checkSettings, defaultSettings } from '../../../language-server/server/settings';

interface Property {
  readonly type: string;
  readonly default: unknown;
  readonly scope: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly markdownDescription?: string;
  /** It is the name of the version before. */
  readonly markdownDeprecationMessage?: string;
}

interface Manifest {
  readonly capabilities: {
    readonly untrustedWorkspaces: { readonly supported: string; readonly restrictedConfigurations: readonly string[] };
  };
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly category: string; readonly title: string }[];
    readonly keybindings: readonly { readonly command: string; readonly key: string; readonly mac?: string }[];
    readonly walkthroughs: readonly {
      readonly steps: readonly {
        readonly media: { readonly image?: string; readonly svg?: string; readonly altText: string };
      }[];
    }[];
    readonly menus: { readonly commandPalette: readonly { readonly command: string }[] };
    readonly configuration: { readonly properties: Readonly<Record<string, Property>> };
  };
  readonly icon: string;
}

const root = new URL('../../../', import.meta.url);
const source = readFileSync(new URL('package.json', root), 'utf8');
const texts = JSON.parse(readFileSync(new URL('package.nls.json', root), 'utf8')) as Readonly<Record<string, string>>;
/** As the editor reads it: with the texts in their places. */
const manifest = JSON.parse(
  source.replace(/"%([^"%]+)%"/g, (place, key: string) => JSON.stringify(texts[key] ?? place)),
) as Manifest;
const properties = manifest.contributes.configuration.properties;

/** Settings that the extension uses itself; all others are the server's. */
const ownSettings = ['fasa.cacheFolder', 'fasa.trace.server'];

/** `fasa.completion.maxTokens` -> the value at completion.maxTokens */
function serverValue(settings: unknown, name: string): unknown {
  const parts = name.split('.').slice(1);
  return parts.reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], settings);
}

function withServerValue(name: string, value: unknown): unknown {
  const [, first = '', second] = name.split('.');
  return second === undefined ? { [first]: value } : { [first]: { [second]: value } };
}

function leafNames(value: object, prefix: string): string[] {
  return Object.entries(value).flatMap(([key, item]) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? leafNames(item, `${prefix}.${key}`)
      : [`${prefix}.${key}`],
  );
}

const serverSettings = Object.entries(properties).filter(
  ([name, { markdownDeprecationMessage }]) => !ownSettings.includes(name) && markdownDeprecationMessage === undefined,
);

test('the manifest declares exactly the settings of the server', () => {
  expect(serverSettings.map(([name]) => name).sort()).toEqual(leafNames(defaultSettings, 'fasa').sort());
});

test('there are at most 25 settings, each described', () => {
  expect(Object.keys(properties).length).toBeLessThanOrEqual(25);
  for (const [name, property] of Object.entries(properties)) {
    expect(property.markdownDescription?.length ?? 0, name).toBeGreaterThan(20);
  }
});

test.each(serverSettings)('the default of %s is the default of the server', (name, property) => {
  expect(property.default).toEqual(serverValue(defaultSettings, name));
});

test.each(serverSettings)(
  'every value that the manifest allows for %s is one that the server takes',
  (name, property) => {
    const limits = [property.minimum, property.maximum, ...(property.enum ?? []), property.default];
    for (const value of limits.filter((limit) => limit !== undefined)) {
      const checked = checkSettings(withServerValue(name, value));
      expect(checked.problems).toEqual([]);
      expect(serverValue(checked.settings, name)).toEqual(value);
    }
  },
);

test('a workspace cannot set paths or threads, nor, when untrusted, what is read', () => {
  for (const name of [
    'fasa.modelPath',
    'fasa.cacheFolder',
    'fasa.threads',
    'fasa.repository.tokens',
    'fasa.repository.diskGigabytes',
    'fasa.repository.precision',
  ]) {
    expect(properties[name]?.scope, name).toBe('machine');
  }
  const open = Object.entries(properties)
    .filter(([, property]) => property.scope !== 'machine')
    .map(([name]) => name)
    .filter((name) => !manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes(name));
  expect(open.sort()).toEqual(['fasa.completion.disabledLanguages']);
});

test('the manifest declares exactly the commands of the code', () => {
  expect(manifest.contributes.commands.map(({ command }) => command).sort()).toEqual([...commandIds].sort());
  for (const { command, category, title } of manifest.contributes.commands) {
    expect(category, command).toBe('FASA Code');
    expect(title, command).not.toBe('');
  }
  for (const { command } of manifest.contributes.menus.commandPalette) {
    expect(commandIds).toContain(command);
  }
  for (const command of tooltipCommands) {
    expect(commandIds).toContain(command);
  }
});

test('every text is in package.nls.json for translation (node scripts/texts.mjs), and each entry there is used', () => {
  const places = [...source.matchAll(/"%([^"%]+)%"/g)].map(([, key = '']) => key);
  expect(places.filter((key) => texts[key] === undefined)).toEqual([]);
  expect(Object.keys(texts).filter((key) => !places.includes(key))).toEqual([]);
  const inline = source.match(
    /^ *"(?:title|category|markdownDescription|altText|fullName|contextualTitle)": "(?!%).*$/gm,
  );
  expect(inline ?? []).toEqual([]);
});

test('no keybinding takes a key that people need', () => {
  for (const { key, mac = key, command } of manifest.contributes.keybindings) {
    for (const one of [key, mac].flatMap((keys) => keys.split(' '))) {
      expect(one, command).not.toMatch(/(^|\+)(tab|left|right|up|down)$|^(escape|enter|(ctrl|cmd)\+c)$/);
    }
  }
});

test('the walkthrough has four steps, each with a picture that exists', () => {
  const [walkthrough] = manifest.contributes.walkthroughs;
  expect(walkthrough?.steps).toHaveLength(4);
  for (const { media } of walkthrough?.steps ?? []) {
    expect(media.altText.length).toBeGreaterThan(10);
    const picture = media.image ?? media.svg ?? '';
    expect(readFileSync(new URL(picture, root)).toString('latin1', 0, 5)).toMatch(
      picture.endsWith('.png') ? /PNG/ : /<svg/,
    );
  }
});

test('the icon is a PNG of 128 by 128', () => {
  const png = readFileSync(new URL(manifest.icon, root));
  expect(png.toString('latin1', 1, 4)).toBe('PNG');
  expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([128, 128]);
});
