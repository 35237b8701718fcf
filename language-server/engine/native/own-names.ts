/**
 * Cleans what a model file or a driver says about itself where it leaves the addon: on one line, without invisible characters, and
 * shortened. Everything after this (status, pages, command line, log, errors) gets names that can be shown as they are.
 */

import { cleanName } from '../../protocol/cut';
import { modelName } from '../display-name';
import type { NativeAddon, NativeDevice, NativeModel, NativeModelInfo } from './addon';

export function withOwnNames(addon: NativeAddon): NativeAddon {
  return {
    ...addon,
    devices: () => addon.devices().map(named),
    inspectModel: (file) => cleanInfo(addon.inspectModel(file)),
    loadModel: (options, onProgress) => {
      const task = addon.loadModel(options, onProgress);
      return { promise: task.promise.then(withInfo), cancel: () => task.cancel(), stop: () => task.stop() };
    },
  };
}

function cleanInfo(info: NativeModelInfo): NativeModelInfo {
  const { name, baseName, sizeLabel, finetune } = info;
  return {
    ...info,
    name: modelName({ name, baseName, sizeLabel, finetune }, info.path),
    architecture: cleanName(info.architecture, 'unknown'),
    quantization: cleanName(info.quantization, 'unknown'),
  };
}

/** Changes the addon's own object, because the addon recognizes it by identity. */
function withInfo(model: NativeModel): NativeModel {
  return Object.defineProperty(model, 'info', { value: cleanInfo(model.info) });
}

/** Keeps the name, by which the addon finds the device. */
function named(device: NativeDevice): NativeDevice {
  return { ...device, description: cleanName(device.description, cleanName(device.name, 'A device without a name')) };
}
