/**
 * Finds the file name of a code block: in the info string, in the text above it, in a comment in its first line. No rule
 * separates all paths from other words, so possible ones are kept too, and the host looks for them in the workspace.
 */

export interface NamedFiles {
  /** The path that the answer names for the block. */
  readonly path?: string;
  /** All paths that may be meant, the most likely first; {@link path} is the first of them. */
  readonly paths: readonly string[];
}

interface Found {
  readonly certain: readonly string[];
  readonly possible: readonly string[];
}

const nothing: Found = { certain: [], possible: [] };

const extensions = new Set(
  (
    'ts tsx mts cts js jsx mjs cjs vue svelte astro py pyi ipynb rb rs go java kt kts scala clj cljs ex exs erl hs ml mli ' +
    'fs fsx cs vb c h cc hh cpp hpp cxx hxx m mm swift d dart lua pl pm php r jl nim zig sol sql sh bash zsh fish ps1 bat ' +
    'cmd html htm xml svg css scss sass less json jsonc json5 yaml yml toml ini cfg conf env properties md mdx markdown ' +
    'rst adoc txt tex csv tsv proto graphql gql prisma tf hcl nix cmake gradle groovy mk dockerfile lock mod sum cu cuh ' +
    'glsl wgsl asm s el vim patch diff po http ejs hbs pug twig liquid erb haml razor cshtml csproj sln plist service'
  ).split(' '),
);
const knownNames =
  /^(?:Dockerfile|Containerfile|Makefile|GNUmakefile|Jenkinsfile|Gemfile|Rakefile|Procfile|Vagrantfile|Justfile|Podfile|Brewfile|Pipfile|Fastfile|LICENSE|NOTICE|CODEOWNERS|README|CHANGELOG|BUILD|WORKSPACE)$/;
const products =
  /^(?:node|vue|next|react|nuxt|express|nest|three|d3|chart|ember|backbone|alpine|socket|moment|discord|asp|vb|ml|xterm|bun|solid|p5|require|ext|knockout|angular|handlebars|mustache|pdf|video|tensorflow)\.(?:js|io|net)$/i;

/** File extensions by language. A language that is not in the list may have any. */
const languageEndings: Readonly<Record<string, string>> = {
  python: 'py pyi ipynb',
  py: 'py pyi ipynb',
  typescript: 'ts tsx mts cts vue svelte astro',
  ts: 'ts tsx mts cts vue svelte astro',
  tsx: 'tsx ts',
  javascript: 'js jsx mjs cjs vue svelte astro html',
  js: 'js jsx mjs cjs ts vue svelte astro html',
  jsx: 'jsx js tsx',
  json: 'json jsonc json5 ipynb lock',
  yaml: 'yaml yml',
  yml: 'yaml yml',
  toml: 'toml lock',
  css: 'css scss less html vue svelte',
  html: 'html htm vue svelte php erb ejs hbs',
  rust: 'rs',
  go: 'go',
  java: 'java',
  ruby: 'rb erb',
  sql: 'sql',
};
const shells = new Set(
  'sh bash shell zsh fish console shellsession terminal powershell pwsh ps1 cmd bat batch'.split(' '),
);
const shellEndings = 'sh bash zsh fish ps1 bat cmd';

/** The number of lines above a block in which a line that is only a path names its file. */
const maxLinesAbove = 8;
const maxCharsAbove = 4000;
const maxPath = 300;
/** The maximum length of a heading or comment with a path. */
const maxLine = 500;

/** @param above the text before the block, empty when something else is between; @param first the first line of the block */
export function namedFiles(infoLine: string, above: string, first: string, isEmpty: boolean): NamedFiles {
  const info = infoLine.slice(0, maxLine);
  const language = languageOf(info);
  const found = [inInfo(info, isEmpty), inLinesAbove(above, language), inComment(first, language)];
  const certain = found.flatMap((one) => one.certain);
  const [path] = certain;
  const paths = [...new Set([...certain, ...found.flatMap((one) => one.possible)])];
  return path === undefined ? { paths } : { path, paths };
}

/** @returns the language of an info string, in lower case */
export function languageOf(info: string): string {
  const [word = ''] = info.trim().split(/[\s,{]+/);
  const path = pathOfWord(word.replace(/^\d+:\d+:/, ''));
  if (path !== undefined) {
    return (endingOf(path) ?? '').toLowerCase();
  }
  const colon = word.indexOf(':');
  return (colon === -1 ? word : word.slice(0, colon)).toLowerCase();
}

/** @returns the path in a line within a block, which is that of what follows it */
export function pathOfLine(line: string): string | undefined {
  return wholeLine(line);
}

function inInfo(info: string, isEmpty: boolean): Found {
  const attribute = /(?:file(?:_?name|_?path)?|path|title|name)\s*=\s*(?:"([^"]+)"|'([^']+)'|([^"'\s}]+))/i.exec(info);
  const given = attribute?.[1] ?? attribute?.[2] ?? attribute?.[3];
  const attributePath = given === undefined ? undefined : asPath(given, true);
  if (attributePath !== undefined) {
    return { certain: [attributePath], possible: [] };
  }
  const [word = ''] = info.trim().split(/[\s,{]+/);
  const cited = /^\d+:\d+:(.+)$/.exec(info.trim())?.[1];
  const colon = word.indexOf(':');
  const afterColon = colon > 0 ? info.trim().slice(colon + 1) : undefined;
  const named = cited ?? afterColon;
  if (named !== undefined) {
    const path = asPath(named.trim(), true) ?? asPath(named.split(/\s/)[0] ?? '', true);
    return path === undefined ? nothing : { certain: [path], possible: [] };
  }
  const own = pathOfWord(word);
  if (own !== undefined) {
    return { certain: [own], possible: [] };
  }
  const rest = info
    .trim()
    .slice(word.length)
    .replace(/^\s*\{[^}]*\}/, '')
    .trim();
  const path = rest === '' ? undefined : wholeLine(rest.replace(/^\((.*)\)$/, '$1'));
  return path === undefined ? nothing : isEmpty ? { certain: [], possible: [path] } : { certain: [path], possible: [] };
}

/** @returns the first word of an info string if it is a path: ```` ```src/a.ts ```` */
function pathOfWord(word: string): string | undefined {
  const isPath = /[\\/]/.test(word) ? /\.\w+$/.test(word) : /^[^.:]*\.\w+$/.test(word) && hasKnownEnding(word);
  return isPath && !word.includes(':') ? asPath(word, false) : undefined;
}

function inLinesAbove(above: string, language: string): Found {
  const lines = above.slice(-maxCharsAbove).trimEnd().split('\n').slice(-maxLinesAbove);
  const last = lines.pop() ?? '';
  const whole = wholeLine(last);
  if (whole !== undefined) {
    return isFileLike(whole) && fits(whole, language)
      ? { certain: [whole], possible: [] }
      : { certain: [], possible: [whole] };
  }
  const mentioned = inSentence(last, language);
  if (mentioned.certain.length > 0) {
    return mentioned;
  }
  for (const line of lines.reverse()) {
    const path = isTitle(line) ? wholeLine(line) : undefined;
    if (path !== undefined && suits(path, language) && isFileLike(path)) {
      return { certain: [path], possible: mentioned.possible };
    }
  }
  return mentioned;
}

/** Whether a line is a heading, or is set apart like one. */
function isTitle(line: string): boolean {
  return /^\s*(?:#{1,6}\s|\*\*.*\*\*:?\s*$|`[^`]*`:?\s*$|(?:\d+[.)]|[-*])\s+(?:\*\*|`)[^`*]*(?:\*\*|`):?\s*$)/.test(
    line,
  );
}

/** @returns the path in a line that has nothing else but the markup of a heading, a label, a number or a note at its end */
function wholeLine(line: string): string | undefined {
  if (line.length > maxLine) {
    return undefined;
  }
  let text = line
    .trim()
    .replace(/^(?:>\s?)+/, '')
    .replace(/^(?:\p{Extended_Pictographic}|\ufe0f|\s)+/u, '')
    .replace(/^(?:#{1,6}|[-*+]|\d+[.)])\s+/, '')
    .replace(/^(?:\/\/+|#+|--|;+|%+|<!--|\/\*+|\{\/\*|\(\*|"""|''')\s*(?=\S)/, '')
    .replace(/(?<!\s)\s*(?:-->|(?<!\*)\*+\/\}?|\*\)|"""|''')$/, '')
    .replaceAll('**', '')
    .trim();
  text = text.replace(/^__(.+)__(:?)$/, '$1$2');
  text = text.replace(
    /^(?:(?:the|new|updated|modified|in)\s+)*(?:file\s?name|file\s?path|file|path|datei|fichier|archivo|arquivo|файл|文件|檔案|ファイル|파일)\s*(?:\d+\s*)?[:：=]\s*/i,
    '',
  );
  text = withoutEnd(text);
  const marked = /^(`+(?!`)|["'“‘«*_])(.+?)((?<!`)`+|["'”’»*_])$/.exec(text);
  if (marked !== null && (marked[1] !== '_' || marked[3] === '_')) {
    return asPath(withoutEnd(marked[2] ?? ''), true);
  }
  const link = /^\[([^\]]+)\]\(([^()\s]+)\)$/.exec(text);
  if (link !== null) {
    return asPath((link[1] ?? '').replaceAll('`', ''), true);
  }
  return asPath(text, false);
}

/** What may follow a path in its line: a note, a line number, punctuation. */
function withoutEnd(text: string): string {
  return text
    .trim()
    .replace(/(?<!\s)\s+[-–—:]\s+[\s\S]*$/, '')
    .replace(/(?<![\s:：,;])[\s:：,;]+$/, '')
    .replace(/(?<!\s)\s+\([^()]*\)$/, '')
    .replace(/(?<![\s:：,;])[\s:：,;]+$/, '')
    .replace(/(?<=\w)\.$/, '')
    .trim();
}

const introductions =
  /^(?:(?:in|see|update|updated|edit|change|changed|modify|modified|create|open|add|and|now|then|next|also|first|finally|for|to|into|from|the|a|new|your|this|our|file|here|is|are|here's|replace|save|as|put|inside|of|at|contents?|version|code|with|following)\s+)+/i;

function inSentence(sentence: string, language: string): Found {
  const line = sentence.slice(-maxLine);
  const marked = [
    ...line.matchAll(/(?<!`)(`{1,2})(?!`)([^`\n]{1,300})\1|\*\*([^*\n]{1,300})\*\*|["“«]([^"”»\n]{1,300})["”»]/g),
  ]
    .map((match) => {
      const isBold = match[3] !== undefined && !/[`\\/]/.test(match[3]);
      return asPath(withoutEnd((match[2] ?? match[3] ?? match[4] ?? '').replaceAll('`', '')), !isBold);
    })
    .filter((path): path is string => path !== undefined && suits(path, language));
  const clear = marked.filter(
    (path) => isFileLike(path) && (hasKnownEnding(path) || /(?:^|[\\/])\.[\w-]+$/.test(path)),
  );
  if (clear.length > 0) {
    return { certain: clear, possible: marked.filter((path) => !clear.includes(path)) };
  }
  const ended = withoutEnd(line.replaceAll('**', '').replace(/^\s*(?:#{1,6}|[-*+]|\d+[.)]|>)\s+/, ''));
  const without = asPath(ended.replace(introductions, ''), false);
  if (without !== undefined && isFileLike(without) && suits(without, language)) {
    return { certain: [without], possible: [ended, ...marked].filter((path) => asPath(path, true) === path) };
  }
  const words = ended
    .split(/\s+/)
    .slice(-40)
    .map((word) => asPath(word.replace(/^["'(]+|(?<!["'),.;:])["'),.;:]+$/g, ''), false))
    .filter((path): path is string => path !== undefined && hasKnownEnding(path) && suits(path, language));
  const last = asPath(ended.split(/\s+/).at(-1) ?? '', false);
  const whole = [ended].filter((text) => text.includes(' ') && asPath(text, true) === text);
  const isAtEnd =
    last !== undefined && /[:：]\s*(?:\*\*)?$/.test(line.trim()) && last === words.at(-1) && isFileLike(last);
  return { certain: isAtEnd ? [last] : [], possible: [...marked, ...whole, ...words.toReversed()] };
}

function inComment(line: string, language: string): Found {
  const comment =
    /^\s*(?:\/\/+(?!\/)|#+(?![!#])|--|;+(?!;)|%+(?!%)|<!--|\/\*+(?!\*)|\{\/\*|\(\*|"""|''')\s*(\S.*)$/.exec(
      line.slice(0, maxLine + 1),
    )?.[1];
  const path = comment === undefined ? undefined : wholeLine(comment);
  return path !== undefined && isFileLike(path) && fits(path, language) ? { certain: [path], possible: [] } : nothing;
}

/** @param marked whether it was quoted, so that its words belong together */
function asPath(text: string, marked: boolean): string | undefined {
  const path = text
    .trim()
    .replace(/#L\d+(?:-L?\d+)?$|(?<=\w):\d+(?::\d+)?(?:-\d+(?::\d+)?)?$/, '')
    .replace(/(?:,|(?<!\s))\s+(?:line|lines|L)\s*\d+(?:\s*[-–]\s*\d+)?$/i, '');
  if (path.length === 0 || path.length > maxPath || /\p{C}|:\/\/|^-|[<>|*?"`\n]|[\\/]$/u.test(path)) {
    return undefined;
  }
  if (/:/.test(path.replace(/^[A-Za-z]:(?=[\\/])/, ''))) {
    return undefined;
  }
  const segments = path.split(/[\\/]+/);
  const base = segments.at(-1) ?? '';
  const isName = knownNames.test(base) || /^[^\s]?.*\.[A-Za-z]\w{0,9}$/.test(base);
  if (/\s/.test(path)) {
    // a path with spaces begins with a folder, or is quoted, and ends with a file name
    const words = path.split(/\s+/);
    const begins = segments.length > 1 ? marked || !/\s/.test(segments[0] ?? '') : marked && words.length <= 3;
    if (words.slice(0, -1).some((word) => /\w\.\w+$/.test(word) && hasKnownEnding(word))) {
      return undefined;
    }
    return begins && isName && !/\s\.|[;=]|\s{2}|\w\.\s/.test(path) && hasKnownEnding(path) ? path : undefined;
  }
  if (segments.length > 1) {
    return /^[\p{L}\p{M}\p{N}_.@+\-[\](){}~,&'!%#=$^:\\/]+$/u.test(path) && !/^[\\/]+$/.test(path) ? path : undefined;
  }
  return isName && /^[\p{L}\p{M}\p{N}_.@+\-[\]{}~&$#]+$/u.test(path) ? path : undefined;
}

function endingOf(path: string): string | undefined {
  return /\.([A-Za-z]\w{0,9})$/.exec(path)?.[1];
}

function hasKnownEnding(path: string): boolean {
  const base = path.split(/[\\/]/).at(-1) ?? '';
  return knownNames.test(base) || extensions.has((endingOf(path) ?? '').toLowerCase());
}

/** Whether a name is clearly a file name; others may be a property access, or two words with a slash. */
function isFileLike(path: string): boolean {
  const base = path.split(/[\\/]/).at(-1) ?? '';
  const isHidden =
    /(?:^|[\\/])\.[\w-]+[\\/]|^[\\/]|^\.{1,2}[\\/]/.test(path) ||
    /^\.[\w-]*(?:rc|ignore|config|env|keep|lock)$/.test(base);
  return isHidden ? !/^[@$]/.test(path) : hasKnownEnding(path) && !products.test(base.split(/\s/).at(-1) ?? '');
}

/** Text may mention a path for another reason: its extension has to suit the language of the block. */
function suits(path: string, language: string): boolean {
  const ending = (endingOf(path) ?? '').toLowerCase();
  return shells.has(language) ? shellEndings.split(' ').includes(ending) : fits(path, language);
}

function fits(path: string, language: string): boolean {
  const endings = Object.hasOwn(languageEndings, language) ? languageEndings[language]?.split(' ') : undefined;
  const ending = (endingOf(path) ?? '').toLowerCase();
  return endings === undefined || !extensions.has(ending) || endings.includes(ending);
}
