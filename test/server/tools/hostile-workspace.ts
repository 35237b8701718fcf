/** A workspace that means harm, made by a seed, and what a person and other programs do in it. */

import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Random } from '../../native/tools/random';

const words = [
  'parse',
  'total',
  'if (',
  ') {',
  '}',
  '\n',
  'return ',
  ' = ',
  "'",
  '"',
  '`',
  '/*',
  '(',
  '[',
  'é',
  '漢',
  '😀',
  '\u202e',
  '\u200b',
  '\u001b[2J',
  '\0',
  '\t',
  '// ',
  'import ',
  '\r\n',
];

export function hostileText(random: Random, pieces = 40): string {
  switch (random.below(8)) {
    case 0:
      return `${' '.repeat(random.below(20_000))}x`;
    case 1:
      return `use ${'a::'.repeat(random.below(5000))}b;\n`;
    case 2:
      return '(['.repeat(random.below(3000));
    case 3:
      return `import ${' '.repeat(random.below(5000))}'./${'a/'.repeat(random.below(500))}b'`;
    default:
      return Array.from({ length: 1 + random.below(pieces) }, () => random.of(words)).join('');
  }
}

const names = [
  'a.ts',
  'b.py',
  'c.rs',
  'main.go',
  'readme.md',
  '.env',
  'id_rsa',
  'x\u202egnp.ts',
  'line\nbreak.ts',
  '\u001b[31mred.ts',
  `${'long'.repeat(60)}.ts`,
  'data.csv',
  'min.js',
  'Ünï cödé.ts',
  'book.ipynb',
  'back\\slash.ts',
  '-flag.ts',
  '%41.ts',
  '#hash.ts',
  '?ask.ts',
];

const rules = [
  '*.log\n',
  `${'a/**/'.repeat(12)}b\n`,
  `${'*a'.repeat(60)}b\n`,
  '[\n',
  '!**\n',
  `${'[a-z]*'.repeat(30)}\n`,
  '\\\n',
  `${'x'.repeat(100_000)}\n`,
  '/*\n!/part1\n',
  '**/**/**/**\n',
  '\ufeff*.ts\n',
];

export class HostileWorkspace {
  readonly root: string;
  readonly #random: Random;

  constructor(root: string, random: Random) {
    this.root = root;
    this.#random = random;
    mkdirSync(root, { recursive: true });
    for (let index = 0; index < 60; index++) {
      this.change();
    }
    const deep = path.join(root, ...Array.from({ length: 45 }, () => 'a'));
    mkdirSync(deep, { recursive: true });
    writeFileSync(path.join(deep, 'b'), 'deep\n');
    writeFileSync(path.join(root, 'long-line.ts'), `const x = '${'y'.repeat(1_000_000)}';\n`);
    if (process.platform !== 'win32') {
      spawnSync('mkfifo', [path.join(root, 'pipe.ts'), path.join(root, '.ignore')]);
    }
    mkdirSync(path.join(root, '.git'), { recursive: true });
    writeFileSync(path.join(root, '.git', 'config'), '[core]\n\tsshCommand = touch owned\n\tfsmonitor = touch owned\n');
    writeFileSync(path.join(root, '.git', 'HEAD'), 'ref: refs/heads/main\n');
  }

  /** One of the places that files may be at. */
  place(): string {
    const random = this.#random;
    const folder = random.chance(0.5) ? '' : `part${random.below(4)}`;
    return path.join(this.root, folder, random.of(names));
  }

  /** What another program does: a file is written, linked, removed, or rules are. @returns its path */
  change(): string {
    const random = this.#random;
    const file = this.place();
    try {
      mkdirSync(path.dirname(file), { recursive: true });
      switch (random.below(12)) {
        case 0:
          rmSync(file, { recursive: true, force: true });
          break;
        case 1:
          rmSync(file, { recursive: true, force: true });
          symlinkSync(random.of(['.env', '..', '/dev/zero', '/etc/passwd', 'nowhere', file]), file);
          break;
        case 2: {
          const ignore = path.join(path.dirname(file), random.of(['.gitignore', '.fasaignore', '.ignore']));
          rmSync(ignore, { recursive: true, force: true });
          writeFileSync(ignore, random.of(rules));
          return ignore;
        }
        case 3:
          writeFileSync(file, Buffer.from(Array.from({ length: 500 }, () => random.below(256))));
          break;
        case 4:
          rmSync(file, { recursive: true, force: true });
          mkdirSync(file);
          break;
        default:
          writeFileSync(file, hostileText(random, 400));
      }
    } catch {
      // a folder in the place of a file, or the other way round
    }
    return file;
  }
}
