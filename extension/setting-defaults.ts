import type { ServerSettings } from '../language-server/protocol';

/** The defaults of package.json's settings, for a host that has none of them registered; a test holds both equal. */
export const settingDefaults: ServerSettings = {
  modelPath: '',
  attention: 'auto',
  budget: 256,
  threads: 0,
  contextTokens: 0,
  completion: {
    enabled: true,
    maxTokens: 64,
    timeBudgetMs: 2500,
    tailTokens: 1024,
    repositoryTokens: 1024,
    disabledLanguages: [],
  },
};
