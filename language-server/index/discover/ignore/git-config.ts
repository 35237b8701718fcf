/**
 * What git's configuration says about ignore files: `core.ignorecase` and `core.excludesFile`. Read by ourselves and not by
 * `git config`: it also works without git installed, and no program is started in a repository of a stranger. Files are
 * read by the reader of workspace files, so one that is a device or a pipe does no harm.
 */

import os from 'node:os';
import path from 'node:path';
import { readWorkspaceFile } from '../read-file';
import { foldCase, parseIgnorePattern, toBytes } from './gitignore-pattern';
import { GlobMatcher } from './glob';

interface GitIgnoreSettings {
  /** `core.ignorecase`: patterns do not distinguish capitals from small letters. */
  readonly ignoreCase: boolean;
  /** An absolute path, or one below the top of the work tree. */
  readonly excludesFile: string | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface GitPlace {
  /** The `.git` folder of this work tree. */
  readonly gitFolder: string;
  /** The `.git` folder of the repository, which all of its work trees share. */
  readonly commonFolder: string;
}

const maxConfigBytes = 1024 * 1024;
/** The number of files, included ones among them. */
const maxConfigFiles = 50;

/**
 * Reads the settings in git's order: each file overrides those before it.
 * @param place absent: only the user's settings are read
 */
export async function gitIgnoreSettings(
  place: GitPlace | undefined,
  environment: Environment,
): Promise<GitIgnoreSettings> {
  const reader = new ConfigReader(place, environment);
  for (const file of userFiles(environment)) {
    await reader.read(file);
  }
  if (place !== undefined) {
    await reader.read(path.join(place.commonFolder, 'config'));
    if (isTrue(reader.values.get('extensions.worktreeconfig'))) {
      await reader.read(path.join(place.gitFolder, 'config.worktree'));
    }
  }
  const excludesFile = reader.values.get('core.excludesfile');
  return {
    ignoreCase: isTrue(reader.values.get('core.ignorecase')),
    excludesFile:
      excludesFile === undefined || excludesFile === null
        ? path.join(configHome(environment), 'git', 'ignore')
        : expandHome(excludesFile, environment),
  };
}

/** The configuration files of the system and of the user, as far as their places are known. */
function userFiles(environment: Environment): string[] {
  const { GIT_CONFIG_NOSYSTEM, GIT_CONFIG_SYSTEM, GIT_CONFIG_GLOBAL } = environment;
  const system = GIT_CONFIG_NOSYSTEM === undefined || !isTrue(GIT_CONFIG_NOSYSTEM) ? systemFiles(environment) : [];
  const own = [path.join(configHome(environment), 'git', 'config'), path.join(home(environment), '.gitconfig')];
  return [
    ...(GIT_CONFIG_SYSTEM === undefined ? system : [GIT_CONFIG_SYSTEM]),
    ...(GIT_CONFIG_GLOBAL === undefined ? own : [GIT_CONFIG_GLOBAL]),
  ];
}

function systemFiles(environment: Environment): string[] {
  switch (process.platform) {
    case 'win32':
      return [path.join(environment['ProgramFiles'] ?? 'C:\\Program Files', 'Git', 'etc', 'gitconfig')];
    case 'darwin':
      return ['/etc/gitconfig', '/usr/local/etc/gitconfig', '/opt/homebrew/etc/gitconfig'];
    default:
      return ['/etc/gitconfig'];
  }
}

function home(environment: Environment): string {
  return environment['HOME'] ?? os.homedir();
}

function configHome(environment: Environment): string {
  const folder = environment['XDG_CONFIG_HOME'];
  return folder === undefined || folder === '' ? path.join(home(environment), '.config') : folder;
}

/** @returns undefined for a path in another user's home, and for an empty path */
function expandHome(file: string, environment: Environment): string | undefined {
  const expanded = file.startsWith('~/') ? path.join(home(environment), file.slice(2)) : file;
  return expanded === '' || expanded.startsWith('~') ? undefined : expanded;
}

function isTrue(value: string | null | undefined): boolean {
  // a name without a value means true
  return value === null || (value !== undefined && /^(?:true|yes|on|0*[1-9]\d*)$/i.test(value));
}

class ConfigReader {
  /** Values by names in small letters; null: a name without a value. */
  readonly values = new Map<string, string | null>();
  readonly #place: GitPlace | undefined;
  readonly #environment: Environment;
  #files = 0;

  constructor(place: GitPlace | undefined, environment: Environment) {
    this.#place = place;
    this.#environment = environment;
  }

  async read(file: string): Promise<void> {
    if (++this.#files > maxConfigFiles) {
      return;
    }
    const content = await readWorkspaceFile(file, { maxBytes: maxConfigBytes });
    if ('refused' in content) {
      return;
    }
    for (const { section, name, value } of entriesOf(new TextDecoder('utf-8').decode(content.bytes))) {
      if (name === 'path' && value !== null && this.#includes(section, file)) {
        const included = value.startsWith('~/') ? path.join(home(this.#environment), value.slice(2)) : value;
        await this.read(path.resolve(path.dirname(file), included));
      }
      this.values.set(`${section}.${name}`, value);
    }
  }

  /** Whether a section includes files: `[include]`, `[includeIf "gitdir:..."]`. Other conditions count as not met. */
  #includes(section: string, file: string): boolean {
    if (section === 'include') {
      return true;
    }
    const [, fold, condition = ''] = /^includeif\.gitdir(\/i)?:(.*)$/s.exec(section) ?? [];
    if (condition === '' || this.#place === undefined) {
      return false;
    }
    let pattern = condition.startsWith('~/') ? path.join(home(this.#environment), condition.slice(1)) : condition;
    pattern = pattern.startsWith('./') ? path.join(path.dirname(file), pattern.slice(1)) : pattern;
    pattern = path.isAbsolute(pattern) ? pattern : `**/${pattern}`;
    pattern = condition.endsWith('/') ? `${pattern.replace(/\/$/, '')}/**` : pattern;
    const parsed = pattern.length > 1024 ? undefined : parseIgnorePattern(toBytes(pattern), fold !== undefined);
    const folder = toBytes(this.#place.gitFolder.split(path.sep).join('/').replace(/^\//, ''));
    return (
      parsed !== undefined &&
      new GlobMatcher(parsed.glob).matches(fold === undefined ? folder : foldCase(folder), { steps: 0 })
    );
  }
}

interface ConfigEntry {
  /** The section in small letters; after a point, a subsection as it is written. */
  readonly section: string;
  readonly name: string;
  readonly value: string | null;
}

/** git-config(1), "Syntax". Lines that do not follow it are skipped. */
function* entriesOf(text: string): Generator<ConfigEntry> {
  let section = '';
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    let line = (lines[at] ?? '').replace(/\r$/, '').trimStart();
    if (line.startsWith('[')) {
      const head = /^\[([A-Za-z0-9.-]+)(?:[ \t]+"((?:[^"\\]|\\.)*)")?\]/.exec(line);
      const subsection = head?.[2]?.replace(/\\(.)/g, '$1');
      section = (head?.[1] ?? '').toLowerCase() + (subsection === undefined ? '' : `.${subsection}`);
      line = line.slice(head?.[0].length ?? line.length).trimStart();
    }
    const name = /^[A-Za-z][A-Za-z0-9-]*/.exec(line)?.[0];
    if (name === undefined) {
      continue;
    }
    const rest = line.slice(name.length).trimStart();
    if (!rest.startsWith('=')) {
      yield { section, name: name.toLowerCase(), value: null };
      continue;
    }
    const parts = [rest.slice(1)];
    while (endsInBackslash(parts.at(-1) ?? '') && at + 1 < lines.length) {
      parts.push(parts.pop()?.slice(0, -1) ?? '', (lines[++at] ?? '').replace(/\r$/, ''));
    }
    yield { section, name: name.toLowerCase(), value: plainValue(parts.join('')) };
  }
}

function endsInBackslash(value: string): boolean {
  let backslashes = 0;
  while (value[value.length - 1 - backslashes] === '\\') {
    backslashes++;
  }
  return backslashes % 2 === 1;
}

/** A value without its quotes, escapes and comments, and without blanks at its ends. */
function plainValue(written: string): string {
  let value = '';
  /** The length of `value` without unquoted blanks at its end. */
  let end = 0;
  let quoted = false;
  const text = written.trimStart();
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (character === '"') {
      quoted = !quoted;
      end = value.length;
    } else if (!quoted && (character === '#' || character === ';')) {
      break;
    } else {
      const isEscaped = character === '\\';
      const next = isEscaped ? (text[++at] ?? '') : character;
      value += isEscaped ? ({ n: '\n', t: '\t', b: '\b' }[next] ?? next) : next;
      end = quoted || isEscaped || !/\s/.test(next) ? value.length : end;
    }
  }
  return value.slice(0, Math.max(end, 0));
}
