import path from 'node:path';
import { filesUnder } from '../lib/files.mjs';
import { build, nodeModules, root } from '../lib/paths.mjs';

/** Headers of ggml and llama, put there by scripts/setup/headers.mjs. */
const thirdPartyHeaders = path.join(build, 'third_party', 'include');

/** The one source that is compiled once for each instruction set; the choice is made at run time. */
const KERNELS = 'kernels_impl.cc';
const AVX2 = ['-mavx2', '-mfma', '-mf16c', '-mbmi2'];
const AVX512 = [...AVX2, '-mavx512f', '-mavx512bw', '-mavx512dq', '-mavx512vl', '-mavx512vnni'];
const VARIANTS = {
  x64: { plain: [], avx2: AVX2, avx512: AVX512 },
  arm64: { plain: [], neon: ['-march=armv8.2-a+fp16+dotprod'] },
};

/** Flags of all our sources. Third-party headers are system headers: their warnings are not ours. */
function commonFlags() {
  const system = [
    thirdPartyHeaders,
    path.join(nodeModules, 'node-addon-api'),
    path.join(nodeModules, 'node-api-headers', 'include'),
  ];
  const defines = [
    'NAPI_VERSION=8',
    // Errors cross to JavaScript as values; C++ exceptions stay on inside the addon.
    'NODE_ADDON_API_DISABLE_CPP_EXCEPTIONS',
    'GGML_SHARED',
    'GGML_BACKEND_SHARED',
    'LLAMA_SHARED',
  ];
  return [
    '-std=c++20',
    '-O3',
    '-fPIC',
    '-fvisibility=hidden',
    '-fvisibility-inlines-hidden',
    '-Wall',
    '-Wextra',
    '-pthread',
    ...defines.map((define) => `-D${define}`),
    `-I${path.join(root, 'native')}`,
    ...system.flatMap((folder) => ['-isystem', folder]),
  ];
}

/**
 * GCC before 13 takes the deliberately undefined vectors of its own AVX-512 header for a mistake of ours
 * (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593).
 */
function quietAbout(variant, compiler) {
  return variant === 'avx512' && compiler.family === 'gcc' && compiler.major < 13
    ? ['-Wno-uninitialized', '-Wno-maybe-uninitialized']
    : [];
}

/** @returns {import('./compile.mjs').Unit[]} */
function unitsOf(sources, compiler, more = []) {
  const flags = [...commonFlags(), ...more];
  const variants = Object.entries(VARIANTS[process.arch] ?? { plain: [] });
  return sources.flatMap((source) => {
    const name = path.relative(root, source);
    const object = path.join(build, 'obj', name);
    if (path.basename(source) !== KERNELS) return [{ source, name, flags, object: `${object}.o` }];
    return variants.map(([variant, extra]) => ({
      source,
      name: `${name} for ${variant}`,
      flags: [...flags, ...extra, ...quietAbout(variant, compiler), `-DFASA_KERNELS_NAME=${variant}`],
      object: `${object}.${variant}.o`,
    }));
  });
}

/** The sources of the addon that the language server loads. */
export function addonUnits(compiler) {
  return unitsOf(filesUnder(path.join(root, 'native'), '.cc'), compiler);
}

/** What the laboratory's addon has besides: tests and benchmarks load it, and it does not ship. */
export function laboratoryUnits(compiler) {
  return unitsOf(filesUnder(path.join(root, 'bench', 'native'), '.cc'), compiler, [`-I${root}`]);
}

/** The sources of the addon that the kernel tests load: the kernels and calibration alone, without ggml. */
export function kernelsTestUnits(compiler) {
  const tests = filesUnder(path.join(root, 'test', 'native', 'addon'), '.cc');
  const kernels = filesUnder(path.join(root, 'native', 'kernels'), '.cc');
  return tests.length === 0 ? [] : unitsOf([...tests, ...kernels], compiler);
}
