// node test/benchmarks/chat-memory.mjs [--questions N] [--out FILE]
//
// Questions in a row in the chat of a real VS Code, and the memory of server, extension host and page after every
// twentieth: what stays must stay flat. The server's engine is the tests' fake one, so that 200 answers of 800
// characters take minutes; the panel, the session, the store and the connection are the real ones. Wants
// `npm run setup -- --tests`.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { main } from '../../scripts/lib/failure.mjs';
import { dist, out, root } from '../../scripts/lib/paths.mjs';
import { launchBrowser, openWindow } from '../end-to-end/harness/browser.mjs';
import { EditorHost } from '../end-to-end/harness/editor-host.mjs';
import { descendants } from '../end-to-end/harness/process-tree.mjs';
import { webviewFrame } from '../end-to-end/harness/webview.mjs';
import { Workbench } from '../end-to-end/harness/workbench.mjs';

const answerText = `${'A paragraph with **bold** words, `code` and a [link](https://example.org/).\n\n'.repeat(4)}\`\`\`js\n${'const value = compute(1, 2); // a line of code\n'.repeat(10)}\`\`\`\n`;

/** The extension as it is packaged, with the fake engine in its server. */
async function placeExtension(folder) {
  mkdirSync(folder, { recursive: true });
  for (const name of ['package.json', 'package.nls.json']) cpSync(path.join(root, name), path.join(folder, name));
  cpSync(dist, path.join(folder, 'dist'), { recursive: true });
  await build({
    entryPoints: [path.join(root, 'test', 'server', 'tools', 'fake-server.ts')],
    outfile: path.join(folder, 'dist', 'server.js'),
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    mainFields: ['module', 'main'],
    logLevel: 'error',
  });
}

/** Bytes of resident memory that are the process's own. */
function residentBytes(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
}

async function pageHeap(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const value = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return { pageHeapBytes: value('JSHeapUsedSize'), pageNodes: value('Nodes') };
}

await main(async () => {
  const { values } = parseArgs({ options: { questions: { type: 'string' }, out: { type: 'string' } } });
  const questions = Number(values.questions ?? 200);
  const logs = path.join(out, 'benchmarks', 'chat-memory');
  const browser = await launchBrowser();
  const model = path.join(logs, 'model.gguf');
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  writeFileSync(model, 'fake');
  const host = new EditorHost({
    logs,
    smokeTestDriver: true,
    settings: { 'fasa.modelPath': model, 'fasa.completion.enabled': false },
    env: {
      FAKE_ENGINE: JSON.stringify({ contextTokens: 65_536, answers: [{ when: '', text: answerText }], idleMs: 1e9 }),
    },
  });
  const rows = [];
  try {
    const folder = path.join(host.folder, 'work');
    const extension = path.join(host.folder, 'extension');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'a.js'), 'let a = 1;\n');
    await placeExtension(extension);
    await host.start();
    const page = await openWindow(browser, host, {
      folder,
      payload: [['extensionDevelopmentPath', host.remote(extension)]],
    });
    const workbench = new Workbench(page, logs);
    await workbench.meterThat(/FASA/);
    await workbench.runCommand('FASA Code: Open Chat');
    const frame = await webviewFrame(page, '.composer');
    const session = await page.context().newCDPSession(page);
    await session.send('Performance.enable');
    const area = frame.locator('.composer textarea');
    const ask = frame.locator('vscode-toolbar-button[label="Ask"]');
    for (let asked = 0; asked <= questions; asked++) {
      if (asked % 20 === 0) {
        await page.waitForTimeout(3000);
        const [server] = descendants(host.processId, /dist\/server\.js/);
        const hosts = descendants(host.processId, /extensionHost/);
        const row = {
          questions: asked,
          serverBytes: residentBytes(server),
          extensionHostBytes: hosts.reduce((sum, pid) => sum + residentBytes(pid), 0),
          ...(await pageHeap(session)),
        };
        rows.push(row);
        process.stdout.write(`${JSON.stringify(row)}\n`);
      }
      if (asked === questions) break;
      await area.fill(`Question ${asked}?`);
      await ask.click();
      await frame
        .locator('.turn', { hasText: `Question ${asked}?` })
        .locator('.foot')
        .waitFor({ timeout: 60_000 });
    }
    await workbench.shot('end');
    await page.context().close();
  } finally {
    await browser.close();
    await host.stop();
  }
  if (values.out) {
    writeFileSync(values.out, `${JSON.stringify({ questions, engine: 'fake', rows }, undefined, 2)}\n`);
  }
});
