// node bench/scripts/corpora.mjs [--set reported|tuning]
//
// Downloads real repositories for `bench repository`, `eval cross-file` and `eval citations` from package registries, with their
// ordinary clients: pinned versions, with the hash of each download, into CACHE/corpora/SET/NAME-VERSION. Reported figures are
// measured on the set `reported`, and parameters are only chosen on `tuning`. Both contain one package each of TypeScript,
// Python, Go and Rust, first published after the default model or in the last weeks before it. A second run downloads nothing.
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, main } from '../../scripts/lib/failure.mjs';
import { readJson, replaceFolder, temporaryFolder, writeAtomic } from '../../scripts/lib/files.mjs';
import { cacheFolder, dist } from '../../scripts/lib/paths.mjs';
import { run } from '../../scripts/lib/process.mjs';
import { step } from '../../scripts/lib/terminal.mjs';
import { npm } from '../../scripts/setup/npm.mjs';

/** Change this when the rule of what is copied changes, so that older folders are made again. */
const RULE = 1;
/** Sources without tests: what a model has to know to continue the code. */
const TESTS = /(?:^|\/)(?:tests?|__tests__|testdata|examples?|e2e|benches)\/|(?:\.|_)(?:test|spec)s?\.|_test\.go$/;
const GENERATED = /\.pb(?:\.gw)?\.go$|\.d\.ts$/;

/**
 * `integrity` is the SHA-512 of an npm package, the SHA-256 of a wheel or crate, or the sum of a Go module. `folders` are the
 * folders of the unpacked archive that are copied.
 */
const PACKAGES = [
  {
    set: 'reported',
    language: 'typescript',
    registry: 'npm',
    name: '@ai-sdk/mcp',
    version: '2.0.99',
    folders: ['src'],
    endings: ['.ts'],
    integrity: 'sha512-9yDWp5WABLMRNKYuLrLIXGtJpIkjwXAdJyYUSu5XpD0cqtuM11LGqk3gb5XGiShco3RT/79W8CkqXskegTtWKw==',
  },
  {
    set: 'reported',
    language: 'python',
    registry: 'pypi',
    name: 'fastmcp',
    version: '2.2.0',
    folders: ['fastmcp'],
    endings: ['.py'],
    integrity: 'sha256:077bdf3f37f423688f1356db0f6ed0864e001de712bce41ad4939fa8b38d7149',
  },
  {
    set: 'reported',
    language: 'go',
    registry: 'go',
    name: 'github.com/modelcontextprotocol/go-sdk',
    version: 'v0.2.0',
    folders: ['mcp', 'jsonschema', 'internal'],
    endings: ['.go'],
    integrity: 'h1:PESNYOmyM1c369tRkzXLY5hHrazj8x9CY1Xu0fLCryM=',
  },
  {
    set: 'reported',
    language: 'rust',
    registry: 'crates',
    name: 'rmcp',
    version: '0.1.5',
    folders: ['src'],
    endings: ['.rs'],
    integrity: 'sha256:33a0110d28bd076f39e14bfd5b0340216dd18effeb5d02b43215944cc3e5c751',
  },
  {
    set: 'tuning',
    language: 'typescript',
    registry: 'npm',
    name: '@tanstack/hotkeys',
    version: '0.9.0',
    folders: ['src'],
    endings: ['.ts'],
    integrity: 'sha512-y6zHjzDPTQZZ0OEtUujmGpq3TAFafgs6dCMlnTVoKJXZm3Eda0EhLuMdtb1lDdGc6/cSdEi1eptfh27mZkFzMQ==',
  },
  {
    set: 'tuning',
    language: 'python',
    registry: 'pypi',
    name: 'pydantic-graph',
    version: '2.68.0',
    folders: ['pydantic_graph'],
    endings: ['.py'],
    integrity: 'sha256:3428c563bb6346aeeda28a79322cfcbe4e0087d7a23881ec2f1b06a95e983f00',
  },
  {
    set: 'tuning',
    language: 'go',
    registry: 'go',
    name: 'github.com/a2aproject/a2a-go',
    version: 'v0.3.0',
    folders: ['a2a', 'a2asrv'],
    endings: ['.go'],
    integrity: 'h1:mnfBEDJXShzEhXCmUbfZ9xo8sXfq2pCxemsY9uasvzg=',
  },
  {
    set: 'tuning',
    language: 'rust',
    registry: 'crates',
    name: 'agent-client-protocol',
    version: '0.6.0',
    folders: ['src'],
    endings: ['.rs'],
    integrity: 'sha256:8c6dd5cbfa40830215128d75817066151f7c09dc3f34c3a4828073a3d981b03a',
  },
];

async function tool(command, args, what, options = {}) {
  const { code, stdout, output } = await run(command, args, options);
  if (code !== 0) throw new Failure(`${what} failed.`, output);
  return stdout;
}

const hashOf = (file, algorithm, encoding) =>
  createHash(algorithm)
    .update(readFileSync(file))
    .digest(/** @type {'hex'} */ (encoding));

function onlyFile(folder, pattern, what) {
  const name = readdirSync(folder).find((file) => pattern.test(file));
  if (!name) throw new Failure(`${what} left no archive.`);
  return path.join(folder, name);
}

/** Each returns the folder of the unpacked package and the hash of the download. */
const FETCH = {
  async npm({ name, version }, work) {
    const what = `Fetching ${name} ${version}`;
    await npm(['pack', '--silent', '--pack-destination', work, `${name}@${version}`], { what });
    const file = onlyFile(work, /\.tgz$/, what);
    await tool('tar', ['-xzf', file, '-C', work], `Unpacking ${path.basename(file)}`);
    return { folder: path.join(work, 'package'), integrity: `sha512-${hashOf(file, 'sha512', 'base64')}` };
  },
  async pypi({ name, version }, work) {
    const what = `Fetching ${name} ${version}`;
    const args = ['download', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
    await tool('python3', ['-I', '-m', 'pip', ...args, '--dest', work, `${name}==${version}`], what);
    const file = onlyFile(work, /\.whl$/, what);
    await tool('python3', ['-I', '-m', 'zipfile', '-e', file, work], `Unpacking ${path.basename(file)}`);
    return { folder: work, integrity: `sha256:${hashOf(file, 'sha256', 'hex')}` };
  },
  async go({ name, version }, work) {
    // outside of any module, so that no go.mod is searched for
    const json = await tool('go', ['mod', 'download', '-json', `${name}@${version}`], `Fetching ${name} ${version}`, {
      cwd: work,
      env: { ...process.env, GOFLAGS: '-mod=mod' },
    });
    const { Dir, Sum } = JSON.parse(json);
    return { folder: Dir, integrity: Sum };
  },
  async crates({ name, version }, work) {
    const what = `Fetching ${name} ${version}`;
    // reads the crate's manifest, for which it downloads the crate and nothing that it depends on
    await tool('cargo', ['info', '--quiet', '--registry', 'crates-io', `${name}@${version}`], what, { cwd: work });
    const home = process.env['CARGO_HOME'] ?? path.join(os.homedir(), '.cargo');
    const cache = path.join(home, 'registry', 'cache');
    const crate = readdirSync(cache)
      .map((index) => path.join(cache, index, `${name}-${version}.crate`))
      .find((file) => statSync(file, { throwIfNoEntry: false }));
    if (!crate) throw new Failure(`${what} left no crate in ${cache}.`);
    await tool('tar', ['-xzf', crate, '-C', work], `Unpacking ${path.basename(crate)}`);
    return { folder: path.join(work, `${name}-${version}`), integrity: `sha256:${hashOf(crate, 'sha256', 'hex')}` };
  },
};

/** Copies the sources. @returns how many files */
function copySources({ folders, endings }, from, to) {
  let files = 0;
  for (const folder of folders) {
    const names = readdirSync(path.join(from, folder), { recursive: true }).map(String).sort();
    for (const name of names) {
      const relative = path.posix.join(folder, name.replaceAll(path.sep, '/'));
      const source = path.join(from, relative);
      if (!endings.includes(path.extname(name)) || TESTS.test(relative) || GENERATED.test(relative)) continue;
      if (!statSync(source).isFile()) continue;
      const target = path.join(to, relative);
      mkdirSync(path.dirname(target), { recursive: true });
      copyFileSync(source, target);
      // the Go client's copies are read-only
      chmodSync(target, 0o644);
      files++;
    }
  }
  return files;
}

/** Counts the tokens of all sources with the default model's tokenizer. */
function tokenCounter() {
  const native = path.join(dist, 'native');
  const holder = { exports: /** @type {any} */ ({}) };
  process.dlopen(holder, path.join(native, 'addon.node'));
  holder.exports.loadBackends(native);
  const model = path.join(cacheFolder(), 'models', 'SmolLM2-135M-Instruct.Q4_1.gguf');
  const loading = holder.exports.loadModel({ path: process.env['FASA_MODEL'] || model }, () => {});
  return loading.promise.then((loaded) => ({
    count: (text) => loaded.tokenize(text, false).length,
    dispose: () => loaded.dispose(),
  }));
}

function tokensOf(folder, counter) {
  let [files, tokens] = [0, 0];
  for (const name of readdirSync(folder, { recursive: true }).map(String)) {
    const file = path.join(folder, name);
    if (!statSync(file).isFile()) continue;
    files++;
    tokens += counter.count(readFileSync(file, 'utf8'));
  }
  return { files, tokens };
}

async function fetchPackage(item, target) {
  const stamp = path.join(path.dirname(target), `.${path.basename(target)}.json`);
  const wanted = { rule: RULE, integrity: item.integrity, folders: item.folders.join(' ') };
  const found = readJson(stamp);
  const same = Object.entries(wanted).every(([name, value]) => found?.[name] === value);
  if (same && statSync(target, { throwIfNoEntry: false })) return 'already there';
  mkdirSync(path.dirname(target), { recursive: true });
  const work = temporaryFolder(path.dirname(target));
  const download = path.join(work, 'download');
  mkdirSync(download);
  const { folder, integrity } = await FETCH[item.registry](item, download);
  if (integrity !== item.integrity) {
    throw new Failure(`${item.name} ${item.version} is not what was pinned: ${integrity} came, not ${item.integrity}.`);
  }
  const sources = path.join(work, 'sources');
  mkdirSync(sources);
  if (copySources(item, folder, sources) === 0) throw new Failure(`${item.name} ${item.version} has no such sources.`);
  replaceFolder(sources, target);
  writeAtomic(stamp, `${JSON.stringify(wanted)}\n`);
  return `fetched from ${item.registry}`;
}

await main(async () => {
  const { values } = parseArgs({ options: { set: { type: 'string' } } });
  const sets = [...new Set(PACKAGES.map(({ set }) => set))];
  if (values.set !== undefined && !sets.includes(values.set)) throw new Failure(`--set is one of ${sets.join(', ')}.`);
  const counter = await tokenCounter();
  for (const set of sets.filter((name) => values.set === undefined || values.set === name)) {
    const folder = path.join(cacheFolder(), 'corpora', set);
    const repositories = [];
    for (const item of PACKAGES.filter((one) => one.set === set)) {
      const { name, version, language, registry, integrity } = item;
      const base = `${name.split('/').slice(-2).join('-').replace('@', '')}-${version}`;
      await step(`${set}: ${name} ${version}`, async () => {
        const how = await fetchPackage(item, path.join(folder, base));
        const size = tokensOf(path.join(folder, base), counter);
        repositories.push({ folder: base, name, version, language, registry, integrity, ...size });
        return `${size.files} files, ${size.tokens} tokens of ${language} (${how})`;
      });
    }
    writeAtomic(path.join(folder, 'corpora.json'), `${JSON.stringify({ repositories }, null, 2)}\n`);
    process.stdout.write(`${folder}\n`);
  }
  counter.dispose();
});
