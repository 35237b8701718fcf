import * as vscode from 'vscode';
import type { ServerSettings } from '../../language-server/protocol/server';

/** The section of all settings, which is also the id of the language client (it reads `fasa.trace.server` itself). */
export const settingsSection = 'fasa';

/**
 * What the server gets. In an untrusted workspace VS Code already holds back the workspace's own values of the settings
 * listed in `capabilities.untrustedWorkspaces`; besides, no file but the open one may be read for the model.
 */
export function readServerSettings(): ServerSettings {
  const section = vscode.workspace.getConfiguration(settingsSection);
  // Never undefined: package.json registers a default for each, and the server checks every value once more.
  const get = <T>(name: string): T => section.get<T>(name) as T;
  return {
    modelPath: get<string>('modelPath').trim(),
    attention: get('attention'),
    budget: get('budget'),
    threads: get('threads'),
    device: get('device'),
    contextTokens: get('contextTokens'),
    repository: {
      enabled: vscode.workspace.isTrusted && get<boolean>('repository.enabled'),
      tokens: get('repository.tokens'),
      exclude: [...filesExclude(), ...get<string[]>('repository.exclude')],
      diskGigabytes: get('repository.diskGigabytes'),
      precision: get('repository.precision'),
      pauseOnBattery: get('repository.pauseOnBattery'),
    },
    completion: {
      enabled: get('completion.enabled'),
      maxTokens: get('completion.maxTokens'),
      timeBudgetMs: get('completion.timeBudgetMs'),
      tailTokens: get('completion.tailTokens'),
      maxFileSizeKB: getRenamed(section, 'completion.maxFileSizeKB', 'completion.mostFileKilobytes'),
      disabledLanguages: get('completion.disabledLanguages'),
    },
  };
}

/** A value that is set under the name of the version before counts until the new name is set. */
function getRenamed<T>(section: vscode.WorkspaceConfiguration, name: string, before: string): T {
  const { globalValue, workspaceValue, workspaceFolderValue } = section.inspect<T>(name) ?? {};
  const isSet = [globalValue, workspaceValue, workspaceFolderValue].some((value) => value !== undefined);
  return ((isSet ? undefined : section.get<T | null>(before)) ?? section.get<T>(name)) as T;
}

/** What the explorer does not show, the model does not read. Conditions (`when`) are not known to the server. */
function filesExclude(): string[] {
  const globs = vscode.workspace.getConfiguration('files').get<Record<string, unknown>>('exclude') ?? {};
  return Object.entries(globs).flatMap(([glob, value]) => (value === true ? [glob] : []));
}

/** The cache folder of the setting, or undefined for the user's own. */
export function readCacheFolder(): string | undefined {
  const folder = vscode.workspace.getConfiguration(settingsSection).get<string>('cacheFolder')?.trim();
  return folder ? folder : undefined;
}
