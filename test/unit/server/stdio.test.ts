import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { buildSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// What goes to stdout past the protocol would break its frames, and the client would end the server.

let folder = '';

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'fasa-stdio-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(source: string) {
  const file = path.join(folder, 'run.cjs');
  buildSync({
    stdin: {
      contents: `import { protocolPipe } from './stdio';\nconst { output } = protocolPipe();\n${source}`,
      resolveDir: path.resolve(import.meta.dirname, '..', '..', '..', 'language-server', 'server'),
      loader: 'ts',
    },
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
  });
  const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: 'utf8', input: '' });
  return { stdout, stderr, status };
}

describe("the protocol's pipe", () => {
  test.each([
    ['console.log', "console.log('stray')"],
    ['console.table', "console.table(['stray'])"],
    ['a write to stdout', "process.stdout.write('stray\\n')"],
    ['a write of bytes', "process.stdout.write(Buffer.from('stray\\n'))"],
  ])('lets only frames through, not %s of a dependency', (_name, stray) => {
    const ended = run(`output.write('one,');\n${stray};\noutput.write(Buffer.from('two,'));\noutput.write('three');`);
    expect(ended).toMatchObject({ status: 0, stdout: 'one,two,three' });
    expect(ended.stderr).toContain('stray');
  });

  test('writes everything before the process exits', () => {
    const frames = Array.from({ length: 50 }, (_, index) => `${index},`);
    const ended = run(`for (const frame of ${JSON.stringify(frames)}) output.write(frame);\nprocess.exit(3);`);
    expect(ended).toMatchObject({ status: 3, stdout: frames.join(''), stderr: '' });
  });
});
