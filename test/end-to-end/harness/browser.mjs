import { chromium } from 'playwright-core';
import { Failure } from '../../../scripts/lib/failure.mjs';
import { findChromium } from '../../../scripts/setup/chromium.mjs';

/** A headless Chromium that can reach nothing but this machine. */
export async function launchBrowser() {
  const executablePath = findChromium();
  if (!executablePath) {
    throw new Failure('Chromium was not found: run npm run setup -- --tests, or name it in CHROMIUM.');
  }
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-dev-shm-usage',
      '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    ],
  });
}

/**
 * Opens a window of the editor host over a folder.
 * @param {import('playwright-core').Browser} browser
 * @param {import('./editor-host.mjs').EditorHost} host
 * @param {{folder?: string, workspace?: string, viewport?: {width: number, height: number}, scale?: number, payload?: [string, string][], hooks?: Record<string, (...args: any[]) => void>}} options
 */
export async function openWindow(
  browser,
  host,
  { folder, workspace, viewport = { width: 1280, height: 800 }, scale = 1, payload = [], hooks = {} },
) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: scale });
  const page = await context.newPage();
  for (const [name, hook] of Object.entries(hooks)) await page.exposeFunction(name, hook);
  const url = new URL(host.origin);
  if (folder) url.searchParams.set('folder', folder);
  if (workspace) url.searchParams.set('workspace', workspace);
  if (payload.length > 0) url.searchParams.set('payload', JSON.stringify(payload));
  await page.goto(url.href);
  await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });
  return page;
}
