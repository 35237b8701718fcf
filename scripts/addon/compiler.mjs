import { Failure } from '../lib/failure.mjs';
import { run, which } from '../lib/process.mjs';

/** The first version of each compiler that has what the addon uses of C++20. */
const OLDEST = { gcc: 11, clang: 14 };

/** @returns {Promise<{command: string, version: string, family: 'gcc' | 'clang', major: number}>} the C++ compiler: $CXX, else the first on PATH. */
export async function findCompiler() {
  if (process.platform === 'win32') {
    throw new Failure(
      'The addon can be built on Linux and macOS only so far: on Windows, use the Linux side of WSL (wsl --install) and run this there.',
    );
  }
  const wanted = process.env['CXX'];
  const command = wanted ? which(wanted) : ['c++', 'g++', 'clang++'].map((name) => which(name)).find(Boolean);
  if (!command) {
    const install =
      process.platform === 'darwin'
        ? 'xcode-select --install'
        : 'apt-get install g++ (or your system’s package of g++ or clang)';
    throw new Failure(
      wanted
        ? `The compiler that CXX names, ${wanted}, was not found: correct CXX or unset it.`
        : `No C++ compiler was found: install one with ${install} and run this again.`,
    );
  }
  // The macros tell the family and the version, whatever the program is called.
  const macros = await run('sh', ['-c', `"$0" -dM -E -x c++ - </dev/null`, command]);
  const value = (name) => Number(macros.stdout.match(new RegExp(`#define ${name} (\\d+)`))?.[1] ?? 0);
  if (macros.code !== 0)
    throw new Failure(`${command} does not work as a C++ compiler: see its message above.`, macros.output);
  const family = value('__clang__') ? 'clang' : 'gcc';
  const major = value(family === 'clang' ? '__clang_major__' : '__GNUC__');
  if (major < OLDEST[family]) {
    throw new Failure(
      `${command} is ${family} ${major}, too old for C++20: install ${family} ${OLDEST[family]} or newer.`,
    );
  }
  return {
    command,
    family,
    major,
    version: `${family} ${major}.${value(family === 'clang' ? '__clang_minor__' : '__GNUC_MINOR__')}`,
  };
}
