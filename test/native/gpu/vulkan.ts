/**
 * A software Vulkan driver for the tests of the GPU path: scripts/setup/vulkan.mjs brings what they need. To be imported
 * before anything loads the addon, because ggml looks for devices once.
 */

import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const drivers = '/usr/share/vulkan/icd.d';
const library = path.join(import.meta.dirname, '..', '..', '..', '.tools', 'vulkan', 'libggml-vulkan.so');

function softwareDriver(): string | undefined {
  const name = existsSync(drivers) ? readdirSync(drivers).find((file) => /^lvp_icd.*\.json$/.test(file)) : undefined;
  return name === undefined ? undefined : path.join(drivers, name);
}

/** Why these tests cannot run here; undefined: they can. */
export function setUpVulkan(): string | undefined {
  if (process.env['FASA_TEST_VULKAN'] !== '1') {
    return 'asked for by FASA_TEST_VULKAN=1 alone: the software driver ends processes at random (docs/gpu.md)';
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return 'a Vulkan library is fetched for Linux on x64 alone';
  }
  const driver = softwareDriver();
  if (driver === undefined) {
    return 'there is no software Vulkan driver (Debian: mesa-vulkan-drivers)';
  }
  if (!existsSync(library)) {
    return "ggml's Vulkan library was not fetched (npm run setup -- --tests)";
  }
  // ggml's own variable for a library outside of its folder; without the second it skips drivers that compute on the CPU
  process.env['GGML_BACKEND_PATH'] = library;
  process.env['GGML_VK_VISIBLE_DEVICES'] = '0';
  process.env['VK_DRIVER_FILES'] = driver;
  process.env['VK_ICD_FILENAMES'] = driver;
  return undefined;
}

export const vulkanDevice = 'Vulkan0';
