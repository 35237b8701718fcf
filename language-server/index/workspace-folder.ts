/** One folder of the workspace: its files, the user's choices among them, and its index. */

import path from 'node:path';
import { cacheFolder } from '../base/cache-folder';
import type { Log } from '../base/log';
import { Choices } from './discover/choices';
import { FileList } from './discover/file-list';
import { SourceFiles } from './discover/source-files';
import type { IndexSizeLimit } from './encode/size-limit';
import { FolderIndex } from './folder-index';

export class WorkspaceFolder {
  readonly name: string;
  readonly sources: SourceFiles;
  readonly choices: Choices;
  readonly index: FolderIndex;
  readonly fileList: FileList;

  /** @param root absolute path of the folder */
  constructor(root: string, log: Log, sizeLimit: Pick<IndexSizeLimit, 'tokensFor'>) {
    this.choices = new Choices(path.resolve(root), path.join(cacheFolder(), 'repositories'));
    if (this.choices.problem !== undefined) {
      log.warn(this.choices.problem);
    }
    this.sources = new SourceFiles(root, this.choices);
    this.fileList = new FileList(this.sources);
    this.name = path.basename(this.sources.root) || 'repository';
    this.index = new FolderIndex({ sources: this.sources, log, sizeLimit });
  }
}
