import { formatCompact } from '../../language-server/protocol/format';
import type { ContextFile, ContextFolder, SecretSeen } from '../../language-server/protocol/server';

/** A folder or a file in the tree of the context. */
export interface ContextNode {
  readonly name: string;
  /** The path below the repository's folder, without a slash at the end; '' for the repository itself. */
  readonly path: string;
  /** The URI of the repository's folder. */
  readonly folderUri: string;
  readonly kind: 'folder' | 'file';
  /** The server's entry for a file, or for a folder that is left out as a whole. */
  readonly file?: ContextFile;
  readonly children: readonly ContextNode[];
  /** The number of files below that are in the context, then their tokens, then how many of them are encoded. */
  readonly files: number;
  readonly tokens: number;
  readonly encodedFiles: number;
}

interface Growing {
  readonly folders: Map<string, Growing>;
  readonly files: ContextFile[];
  /** The entry of the folder itself: it is left out, or the user included or excluded it. */
  own?: ContextFile;
}

/** Builds the tree of a repository: folders before files, each sorted by name. */
export function contextTree(folder: ContextFolder): ContextNode {
  const root = grow(folder.files);
  return nodeOf(root, folder.name, '', folder.uri);
}

function grow(files: readonly ContextFile[]): Growing {
  const root: Growing = { folders: new Map(), files: [] };
  for (const file of files) {
    const isFolder = file.path.endsWith('/');
    const parts = file.path.replace(/\/$/, '').split('/');
    let at = root;
    for (const name of isFolder ? parts : parts.slice(0, -1)) {
      const next = at.folders.get(name) ?? { folders: new Map(), files: [] };
      at.folders.set(name, next);
      at = next;
    }
    if (isFolder) {
      at.own = file;
    } else {
      at.files.push(file);
    }
  }
  return root;
}

function nodeOf(growing: Growing, name: string, path: string, folderUri: string): ContextNode {
  const below = (child: string) => (path === '' ? child : `${path}/${child}`);
  const byName = (left: ContextNode, right: ContextNode) => (left.name < right.name ? -1 : 1);
  const folders = [...growing.folders].map(([child, grown]) => nodeOf(grown, child, below(child), folderUri));
  const files = growing.files.map((file): ContextNode => {
    const child = file.path.slice(file.path.lastIndexOf('/') + 1);
    const isIn = file.state !== 'left out';
    return {
      name: child,
      path: file.path,
      folderUri,
      kind: 'file',
      file,
      children: [],
      files: isIn ? 1 : 0,
      tokens: isIn ? file.tokens : 0,
      encodedFiles: file.state === 'encoded' ? 1 : 0,
    };
  });
  const children = [...folders.sort(byName), ...files.sort(byName)];
  const sum = (pick: (node: ContextNode) => number) => children.reduce((all, node) => all + pick(node), 0);
  return {
    name,
    path,
    folderUri,
    kind: 'folder',
    ...(growing.own === undefined ? {} : { file: growing.own }),
    children,
    files: sum((node) => node.files),
    tokens: sum((node) => node.tokens),
    encodedFiles: sum((node) => node.encodedFiles),
  };
}

/** The description after the name of a node. */
export function describeNode(node: ContextNode): string {
  const { file } = node;
  if (file !== undefined && (node.kind === 'file' || node.files === 0)) {
    return describeFile(file);
  }
  if (node.files === 0) {
    return 'left out';
  }
  const files = `${formatCompact(node.files)} ${node.files === 1 ? 'file' : 'files'}`;
  const encoded = node.encodedFiles < node.files ? `, ${formatCompact(node.encodedFiles)} encoded` : '';
  return `${files}, ${tokensOf(node.tokens)}${encoded}`;
}

function describeFile({ state, reason, tokens, choice }: ContextFile): string {
  const said = choice === undefined || reason === 'excluded by you' ? '' : `, ${choice}d by you`;
  switch (state) {
    case 'left out':
      return tokens > 0 ? `${reason}, ${tokensOf(tokens)}${said}` : `${reason}${said}`;
    case 'encoded':
      return `${tokensOf(tokens)}${said}`;
    case 'encoding':
      return `${tokensOf(tokens)}, encoding${said}`;
    case 'waiting':
      return `${tokensOf(tokens)}, not encoded yet${said}`;
  }
}

/** @returns the id of a codicon; undefined for a plain folder */
export function iconOfNode(node: ContextNode): string | undefined {
  const { file } = node;
  if (node.kind === 'folder') {
    return node.files === 0 ? 'circle-slash' : undefined;
  }
  switch (file?.state) {
    case 'encoded':
      return 'pass';
    case 'encoding':
      return 'loading~spin';
    case 'waiting':
      return 'circle-outline';
    default:
      return 'circle-slash';
  }
}

/** The context value that decides which menu entries a node has. Binary files and links cannot be included. */
export function menuOfNode({ file, files, kind }: ContextNode): string {
  const isIn = kind === 'folder' ? files > 0 : file?.state !== 'left out';
  const chosen = file?.choice === undefined ? '' : '.chosen';
  const final = file?.reason === 'binary' || file?.reason === 'symbolic link';
  return `${isIn ? 'in' : final ? 'never' : 'out'}${chosen}`;
}

function tokensOf(tokens: number): string {
  return `${formatCompact(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`;
}

/** Says what looks like a secret, and where. */
export function secretSentence(name: string, secret: SecretSeen): string {
  return secret.by === 'name'
    ? `Files with a name like ${name} usually hold passwords or keys.`
    : `Line ${formatCompact(secret.line)} of ${name} looks like it contains ${secret.what}.`;
}
