/** What the two addons show to JavaScript: the one that ships has nothing of the laboratory. */

import { expect, it } from 'vitest';
import { laboratoryAddonPath } from '../../bench/common/addon';
import { addonPath, openAddon } from '../../language-server/engine/native/load-addon';
import { useWorkshop } from './tools/workshop';

const workshop = useWorkshop();
const functions = ['cpuFeatures', 'devices', 'inspectModel', 'loadBackends', 'loadModel', 'versions'];
const methods = ['clear', 'constructor', 'dispose', 'generate', 'measure', 'usage'];

it.each([
  ['ships', addonPath(), [], []],
  ['is the laboratory’s', laboratoryAddonPath(), ['loadReference', 'timeAttention'], ['evaluate', 'timeSteps']],
])('the addon that %s has these functions and methods', async (_, file, moreFunctions, moreMethods) => {
  const addon = openAddon(file);
  expect(Object.keys(addon).toSorted()).toEqual([...functions, ...moreFunctions].toSorted());
  const path = workshop.file({ architecture: 'llama' });
  const model = await addon.loadModel({ path }, () => undefined).promise;
  const context = model.createContext({ contextTokens: 8, threads: 1 });
  expect(Object.getOwnPropertyNames(Object.getPrototypeOf(context)).toSorted()).toEqual(
    [...methods, ...moreMethods].toSorted(),
  );
  context.dispose();
  model.dispose();
});

it('both in one process find the libraries of ggml once', () => {
  const devices = openAddon(addonPath()).devices();
  expect(openAddon(laboratoryAddonPath()).devices()).toEqual(devices);
  expect(devices.filter(({ kind }) => kind === 'cpu')).toHaveLength(1);
});

it('an object of one addon is none of the other', async () => {
  const path = workshop.file({ architecture: 'llama' });
  const model = await openAddon(addonPath()).loadModel({ path }, () => undefined).promise;
  const context = model.createContext({ contextTokens: 8, threads: 1 });
  const { evaluate } = Object.getPrototypeOf(workshop.context(await workshop.model(path), { contextTokens: 8 }));
  const options = {
    tokens: Int32Array.of(1, 2),
    from: 0,
    stepwise: false,
    attention: 'dense',
    budget: 8,
    fasaFromTokens: 0,
  };
  expect(() => evaluate.call(context, options)).toThrow(/made/);
  context.dispose();
  model.dispose();
});
