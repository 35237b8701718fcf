/** The GPU's graph on a software Vulkan driver. */

import { describe, it } from 'vitest';
import { setUpVulkan, vulkanDevice } from './vulkan';

const missing = setUpVulkan();

if (missing !== undefined) {
  describe(vulkanDevice, () => {
    it.skip(`is not checked: ${missing}`, () => {});
  });
} else {
  // after the driver is named: loading the addon looks for devices
  const { describeModels, gpuShapes } = await import('./gpu-suite');
  describeModels(vulkanDevice, [gpuShapes.biased]);
}
