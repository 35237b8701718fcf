/** One folder of the workspace: its files, the user's choices among them, and what of it is in the context. */

import path from 'node:path';
import { cacheFolder } from '../base/cache-folder';
import type { Log } from '../base/log';
import type { Engine } from '../engine/engine';
import { Choices } from './discover/choices';
import { FileList } from './discover/file-list';
import { SourceFiles } from './discover/source-files';
import { RepositoryContext } from './folder-index';

export interface RepositoryParts {
  readonly log: Log;
  readonly onChange: () => void;
  /** Most tokens of a folder. */
  readonly budget: (engine: Engine, repository: Repository) => Promise<number>;
}

export class Repository {
  readonly name: string;
  readonly sources: SourceFiles;
  readonly choices: Choices;
  readonly context: RepositoryContext;
  readonly fileList: FileList;

  /** @param root absolute path of the folder */
  constructor(root: string, { log, onChange, budget }: RepositoryParts) {
    this.choices = new Choices(path.resolve(root), path.join(cacheFolder(), 'repositories'));
    if (this.choices.problem !== undefined) {
      log.warn(this.choices.problem);
    }
    this.sources = new SourceFiles(root, this.choices);
    this.fileList = new FileList(this.sources);
    this.name = path.basename(this.sources.root) || 'repository';
    this.context = new RepositoryContext({
      sources: this.sources,
      log,
      onChange,
      budget: (engine) => budget(engine, this),
    });
  }
}
