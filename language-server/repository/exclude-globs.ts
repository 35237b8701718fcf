/** Globs as VS Code's `files.exclude` has them, as patterns of an ignore file. */

const mostAlternatives = 64;

/**
 * `src/*.js` means that place alone, `**` any depth, `{a,b}` either.
 * @returns none for a glob that says nothing
 */
export function ignorePatterns(glob: string): string[] {
  const trimmed = glob.trim().replaceAll('\\', '/');
  if (trimmed === '' || trimmed.startsWith('!') || trimmed.startsWith('#') || /[\r\n]/.test(trimmed)) {
    return [];
  }
  return alternatives(trimmed).map((pattern) =>
    pattern.startsWith('**/') || pattern.startsWith('/') ? pattern : `/${pattern}`,
  );
}

/** Innermost braces first, so nested ones are expanded as well. */
function alternatives(glob: string): string[] {
  let open = [glob];
  for (;;) {
    const next: string[] = [];
    let expanded = false;
    for (const one of open) {
      const match = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(one);
      if (match === null) {
        next.push(one);
      } else {
        expanded = true;
        next.push(...(match[2] ?? '').split(',').map((part) => `${match[1]}${part}${match[3]}`));
      }
    }
    open = [...new Set(next)].slice(0, mostAlternatives);
    if (!expanded) {
      return open;
    }
  }
}
