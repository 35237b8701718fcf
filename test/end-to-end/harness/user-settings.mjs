import path from 'node:path';
import { readJson } from '../../../scripts/lib/files.mjs';
import { root } from '../../../scripts/lib/paths.mjs';

/** A quiet window: nothing but the editor, the extension and what a test does. */
export const defaultUserSettings = {
  'workbench.colorTheme': 'Dark Modern',
  'workbench.preferredDarkColorTheme': 'Dark Modern',
  'workbench.preferredLightColorTheme': 'Light Modern',
  'workbench.reduceMotion': 'on',
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'window.commandCenter': false,
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'security.workspace.trust.enabled': false,
  'editor.inlineSuggest.enabled': true,
  // The list of suggestions is another feature, and hides the ghost text where both show.
  'editor.quickSuggestions': { other: 'off', comments: 'off', strings: 'off' },
  'editor.suggestOnTriggerCharacters': false,
  'editor.minimap.enabled': false,
  'files.autoSave': 'off',
  'git.enabled': false,
  // A slow and busy machine needs longer than the default to read a file for the first time, and has less to read here.
  'fasa.completion.timeBudgetMs': 60_000,
  'fasa.completion.tailTokens': 512,
  // Encoding a repository takes minutes on such a machine: the part about repositories turns it on.
  'fasa.repository.enabled': false,
};

const { properties } = readJson(path.join(root, 'package.json')).contributes.configuration;

/** In a remote window, a setting of scope `machine` counts only in the file of the remote machine. */
export const isMachineSetting = (name) => properties[name]?.scope === 'machine';
