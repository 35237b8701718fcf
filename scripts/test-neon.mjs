// node scripts/test-neon.mjs
//
// Tests the NEON kernels on a machine without NEON: they are cross-compiled and compared with the plain ones under an emulator.
// On Debian: apt-get install g++-aarch64-linux-gnu qemu-user (about 350 MB). This is not part of npm test; without the tools it
// says so and exits with 0.
import path from 'node:path';
import { Failure, main } from './lib/failure.mjs';
import { temporaryFolder } from './lib/files.mjs';
import { root } from './lib/paths.mjs';
import { run, which } from './lib/process.mjs';

const COMPILER = 'aarch64-linux-gnu-g++';
const EMULATORS = ['qemu-aarch64', 'qemu-aarch64-static'];
/** As scripts/addon/units.mjs has them. */
const NEON = ['-march=armv8.2-a+fp16+dotprod'];

await main(async () => {
  const emulator = EMULATORS.map((name) => which(name)).find(Boolean);
  if (!which(COMPILER) || !emulator) {
    const missing = [...(which(COMPILER) ? [] : [COMPILER]), ...(emulator ? [] : [EMULATORS[0]])];
    process.stdout.write(
      `skipped: ${missing.join(' and ')} not found (Debian: apt-get install g++-aarch64-linux-gnu qemu-user)\n`,
    );
    return;
  }
  const work = temporaryFolder();
  const flags = ['-std=c++20', '-O2', '-Wall', '-Wextra', `-I${path.join(root, 'native')}`];
  const compile = async (source, name, extra = []) => {
    const object = path.join(work, `${name}.o`);
    const args = [...flags, ...extra, '-c', path.join(root, source), '-o', object];
    const { code, output } = await run(COMPILER, args);
    if (code !== 0) throw new Failure(`${source} did not compile.`, output);
    if (output.trim()) process.stdout.write(`${output.trimEnd()}\n`);
    return object;
  };
  const kernels = 'native/kernels/kernels_impl.cc';
  const objects = [
    await compile('native/kernels/kernels.cc', 'kernels'),
    await compile(kernels, 'plain', ['-DFASA_KERNELS_NAME=plain']),
    await compile(kernels, 'neon', ['-DFASA_KERNELS_NAME=neon', ...NEON]),
    await compile('test/native/driver/compare-kernels.cc', 'driver'),
  ];
  const program = path.join(work, 'compare-kernels');
  const linked = await run(COMPILER, ['-static', ...objects, '-o', program]);
  if (linked.code !== 0) throw new Failure('The driver did not link.', linked.output);
  const { code, stdout } = await run(emulator, ['-cpu', 'max', program]);
  const lines = stdout.trimEnd().split('\n');
  const failed = lines.filter((line) => line.startsWith('FAIL'));
  for (const line of failed) process.stdout.write(`${line}\n`);
  process.stdout.write(`${lines.length - 1} checks under ${path.basename(emulator)}. ${lines.at(-1)}\n`);
  if (code !== 0) throw new Failure('The NEON kernels differ from the plain ones.');
});
