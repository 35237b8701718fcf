import * as vscode from 'vscode';
import type { ServerSettings } from '../../language-server/protocol/server';

/** The section of all settings. It is also the id of the language client, which reads `fasa.trace.server` itself. */
export const settingsSection = 'fasa';

/**
 * Reads the settings that the server gets. In an untrusted workspace, VS Code already ignores the workspace's values of the
 * settings listed in `capabilities.untrustedWorkspaces`; in addition, no file but the open one is read for the model.
 */
export function readServerSettings(): ServerSettings {
  const section = vscode.workspace.getConfiguration(settingsSection);
  // A value is never undefined: package.json has a default for each, and the server checks every value once more.
  const get = <T>(name: string): T => section.get<T>(name) as T;
  return {
    modelPath: get<string>('modelPath').trim(),
    attention: get('attention'),
    budget: get('budget'),
    threads: get('threads'),
    device: get('device'),
    contextTokens: get('contextTokens'),
    models: { folders: get('models.folders'), mirror: get('models.mirror'), ...readProxy() },
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

/** The proxy of the editor's own requests, for downloads of models. */
function readProxy(): { readonly proxy?: string } {
  const http = vscode.workspace.getConfiguration('http');
  const proxy = http.get<string>('proxy')?.trim() ?? '';
  return proxy === '' || http.get<string>('proxySupport') === 'off' ? {} : { proxy };
}

/** A value that is set under the setting's former name counts until the new name is set. */
function getRenamed<T>(section: vscode.WorkspaceConfiguration, name: string, before: string): T {
  const { globalValue, workspaceValue, workspaceFolderValue } = section.inspect<T>(name) ?? {};
  const isSet = [globalValue, workspaceValue, workspaceFolderValue].some((value) => value !== undefined);
  return ((isSet ? undefined : section.get<T | null>(before)) ?? section.get<T>(name)) as T;
}

/** The model does not read what the explorer does not show. Conditions (`when`) are not supported. */
function filesExclude(): string[] {
  const globs = vscode.workspace.getConfiguration('files').get<Record<string, unknown>>('exclude') ?? {};
  return Object.entries(globs).flatMap(([glob, value]) => (value === true ? [glob] : []));
}

/** @returns the cache folder of the setting; undefined for the user's default */
export function readCacheFolder(): string | undefined {
  const folder = vscode.workspace.getConfiguration(settingsSection).get<string>('cacheFolder')?.trim();
  return folder ? folder : undefined;
}
