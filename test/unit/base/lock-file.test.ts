import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { LLAMA_PACKAGE_VERSION } from '../../../scripts/lib/platform.mjs';

// A lock file written where only one platform's packages are installed can lose the others': `npm ci` then refuses it
// on every machine. It also must name no registry, so that each machine asks its own.

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly optional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const root = path.resolve(import.meta.dirname, '..', '..', '..');
const read = (name: string): string => readFileSync(path.join(root, name), 'utf8');
const lock = JSON.parse(read('package-lock.json')) as { readonly packages: Readonly<Record<string, LockedPackage>> };
const manifest = JSON.parse(read('package.json')) as {
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};
const packages = Object.entries(lock.packages).filter(([name]) => name !== '');

describe('package-lock.json', () => {
  test('contains the optional packages of every platform', () => {
    const missing = packages.flatMap(([name, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter(
        (wanted) => !lock.packages[`node_modules/${wanted}`] && !lock.packages[`${name}/node_modules/${wanted}`],
      ),
    );
    expect(missing).toEqual([]);
  });

  test('names no registry and has a digest for each package', () => {
    for (const [name, { integrity, resolved }] of packages) {
      expect(resolved, name).toBeUndefined();
      expect(integrity, name).toMatch(/^sha512-/);
    }
  });

  test('contains the ggml libraries of one version for all platforms, as optional packages', () => {
    expect(Object.keys(manifest.optionalDependencies).length).toBe(5);
    for (const [name, version] of Object.entries(manifest.optionalDependencies)) {
      expect(name).toMatch(/^@node-llama-cpp\//);
      expect(version).toBe(LLAMA_PACKAGE_VERSION);
      expect(lock.packages[`node_modules/${name}`]).toMatchObject({ version, optional: true });
    }
  });

  test('pins the same exact versions as the manifest', () => {
    for (const [name, version] of Object.entries(manifest.devDependencies)) {
      expect(version).toMatch(/^\d+\.\d+\.\d+$/);
      expect(lock.packages[`node_modules/${name}`]?.version, name).toBe(version);
    }
  });
});
