import { readdirSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './failure.mjs';
import { nodeModules } from './paths.mjs';

/** Version of node-llama-cpp whose prebuilt libraries and headers we use: llama.cpp v0.4.0. */
export const LLAMA_PACKAGE_VERSION = '3.21.1';

/** Our platforms: the package with the prebuilt libraries, and the name that VS Code has for the target. */
const PLATFORMS = {
  'linux-x64': { libraries: 'linux-x64', vscode: 'linux-x64' },
  'linux-arm64': { libraries: 'linux-arm64', vscode: 'linux-arm64' },
  'darwin-arm64': { libraries: 'mac-arm64-metal', vscode: 'darwin-arm64' },
  'darwin-x64': { libraries: 'mac-x64', vscode: 'darwin-x64' },
  'win32-x64': { libraries: 'win-x64', vscode: 'win32-x64' },
};

export function platform() {
  const name = `${process.platform}-${process.arch}`;
  const found = PLATFORMS[name];
  if (!found) {
    throw new Failure(
      `There are no prebuilt ggml libraries for ${name}: use one of ${Object.keys(PLATFORMS).join(', ')}.`,
    );
  }
  return { name, ...found };
}

/** The folder of the prebuilt libraries inside node_modules. */
export function librariesFolder() {
  const { libraries } = platform();
  return path.join(nodeModules, '@node-llama-cpp', libraries, 'bins', libraries);
}

/** The shared libraries that ship with the addon; file names carry versions, so they are found by pattern. */
export function libraries() {
  const folder = librariesFolder();
  let names;
  try {
    names = readdirSync(folder);
  } catch {
    throw new Failure(
      `The package @node-llama-cpp/${platform().libraries} ${LLAMA_PACKAGE_VERSION} is not installed: run npm run setup.`,
    );
  }
  const shipped = names.filter(
    (name) => /^(lib)?(llama|ggml)[^/]*\.(so|dylib|dll|metal)$/.test(name) && !name.includes('llama-common'),
  );
  const find = (pattern, what) => {
    const name = shipped.find((candidate) => pattern.test(candidate));
    if (!name) throw new Failure(`${what} is missing in ${folder}: remove node_modules and run npm run setup again.`);
    return path.join(folder, name);
  };
  return {
    shipped: shipped.map((name) => path.join(folder, name)),
    /** What the addon links against, in link order. */
    linked: [
      find(/^(lib)?llama(\.[a-z]+)?(\.v[\d.]+)?\.(so|dylib|dll)$/, 'libllama'),
      find(/^(lib)?ggml(\.[a-z]+)?(\.v[\d.]+)?\.(so|dylib|dll)$/, 'libggml'),
      find(/^(lib)?ggml-base(\.v[\d.]+)?\.(so|dylib|dll)$/, 'libggml-base'),
    ],
  };
}
