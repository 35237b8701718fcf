import { AxeBuilder } from '@axe-core/playwright';
import { windowLimitMs } from './workbench.mjs';

/**
 * The page of a webview, known by something that only it has: all webviews lie in frames of the same kind.
 * @param {import('playwright-core').Page} page
 * @param {string} selector
 */
export async function webviewFrame(page, selector) {
  const deadline = Date.now() + windowLimitMs;
  for (;;) {
    for (const frame of page.frames()) {
      try {
        if ((await frame.locator(selector).count()) > 0) return frame;
      } catch {
        // A frame that is being replaced.
      }
    }
    if (Date.now() > deadline) throw new Error(`There is no webview with ${selector}.`);
    await page.waitForTimeout(200);
  }
}

/**
 * What axe finds in a webview that is serious or worse, as lines.
 * @param {import('playwright-core').Page} page
 * @param {import('playwright-core').Frame} frame
 */
export async function seriousViolations(page, frame) {
  const outer = await frame.parentFrame()?.frameElement();
  const name = await outer?.getAttribute('name');
  const { violations } = await new AxeBuilder({ page })
    .include([`iframe[name="${name}"]`, '#active-frame', 'body'])
    .analyze();
  const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  return serious.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`),
  );
}
