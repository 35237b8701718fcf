import { describe, expect, test } from 'vitest';
import { EngineError, toEngineError } from '../../../language-server/base/errors';
import type { NativeAddon, NativeDevice, NativeModelInfo } from '../../../language-server/engine/native/addon';
import { inspectModel } from '../../../language-server/engine/native/inspect';
import { withOwnNames } from '../../../language-server/engine/native/own-names';

const info: NativeModelInfo = {
  path: '/models/a.gguf',
  name: '',
  architecture: 'llama',
  parameters: 1,
  quantization: 'q4_1',
  bytes: 1,
  fingerprint: 'f',
  trainedContext: 1,
  layers: 1,
  heads: 1,
  kvHeads: 1,
  headSize: 1,
  embedding: 1,
  vocabulary: 1,
  ropeLayout: 'norm',
  kvBytesPerToken: 1,
  chatTemplate: undefined,
  tokens: {
    bos: undefined,
    eos: undefined,
    addBos: false,
    endOfGeneration: [],
    control: [],
    fimPrefix: undefined,
    fimSuffix: undefined,
    fimMiddle: undefined,
    fimRepository: undefined,
    fimSeparator: undefined,
  },
};
const device: NativeDevice = {
  name: 'Vulkan0',
  description: '',
  kind: 'gpu',
  software: false,
  memoryFree: 1,
  memoryTotal: 2,
};

/** The addon's own objects answer their properties by their class. */
class Model {
  #name: string;
  constructor(name: string) {
    this.#name = name;
  }
  get info(): NativeModelInfo {
    return { ...info, name: this.#name };
  }
  tokenize = () => Int32Array.of(this.#name.length);
  tokenBytes = () => new Uint8Array();
  createContext = () => never();
  createEncoder = () => never();
  calibrate = () => never();
  dispose = () => undefined;
}

function addonOf(name: string): NativeAddon {
  return withOwnNames({
    versions: { addon: '1', ggml: '1', napi: 8 },
    loadBackends: () => undefined,
    devices: () => [{ ...device, description: name }],
    cpuFeatures: () => ({ library: '', features: [], fasaKernels: '' }),
    inspectModel: (path) => ({ ...info, path, name }),
    loadModel: () => ({ promise: Promise.resolve(new Model(name)), cancel: () => undefined, stop: () => undefined }),
  });
}

describe('a name that a model and a device give themselves', () => {
  const names = [
    ['is taken as it is', 'SmolLM2 135M Instruct', 'SmolLM2 135M Instruct'],
    ['of another script, too', 'کتاب‌ها 模型 👩‍💻', 'کتاب‌ها 模型 👩‍💻'],
    ['writes nothing to the clipboard', 'a\u001b]52;c;YWJj\u0007b', 'a]52;c;YWJjb'],
    ['has one line', 'a\n[error] b\r\n\tc', 'a [error] b c'],
    ['turns nothing around', 'a\u202egpj.\u2066exe\u200b', 'agpj.exe'],
    ['has a length', 'x'.repeat(1001), `${'x'.repeat(100)}…${'x'.repeat(99)}`],
    ['has a length of whole characters', '😀'.repeat(500), `${'😀'.repeat(50)}…${'😀'.repeat(49)}`],
  ] as const;

  test.each(names)('%s', async (_what, name, shown) => {
    const addon = addonOf(name);
    expect(inspectModel(addon, '/models/a.gguf').name).toBe(shown);
    const model = await addon.loadModel({ path: '/models/a.gguf' }, () => undefined).promise;
    expect(model.info.name).toBe(shown);
    expect(model.tokenize('', false)).toEqual(Int32Array.of(name.length));
    expect(addon.devices()).toEqual([{ ...device, description: shown }]);
  });

  test.each(['', '\u200b'.repeat(1_000_000), ' \n '])(
    'falls back to the name of the file when nothing is left',
    (name) => {
      expect(inspectModel(addonOf(name), '/models/a\u202eb.gguf').name).toBe('ab');
      expect(addonOf(name).devices()[0]?.description).toBe('Vulkan0');
    },
  );
});

describe('text from outside in an error', () => {
  test.each([
    [
      'an architecture',
      'BAD_GGUF',
      `the architecture "\u001b[2J\u202ex" is unknown`,
      '"[U+001B][2J[U+202E]x" is unknown',
    ],
    ['a tensor of a long name', 'MISSING_TENSOR', `the tensor ${'t'.repeat(1e6)} is missing`, 't is missing'],
    ['hidden characters alone', 'BAD_GGUF', '\u200b'.repeat(1e5), '[U+200B]'],
    ['a text without end', 'INTERNAL', 'y'.repeat(1e7), 'y'],
  ])('is shortened, with everything in it visible: %s', (_what, code, message, shown) => {
    const problem = toEngineError(Object.assign(new Error(message), { code })).toProblem();
    expect(problem.message).toContain(shown);
    expect(problem.message.length).toBeLessThanOrEqual(4000);
  });

  test('names a file with invisible characters once', () => {
    const file = '/models/a\u202eb.gguf';
    const addon = addonOf('a');
    const failing = {
      ...addon,
      inspectModel: () => {
        throw new EngineError('FILE_NOT_FOUND', `There is no file ${file}.`);
      },
    };
    let problem = '';
    try {
      inspectModel(failing, file);
    } catch (error) {
      problem = toEngineError(error).toProblem().message;
    }
    expect(problem).toBe('There is no file /models/a[U+202E]b.gguf.');
  });
});

function never(): never {
  throw new Error('not asked');
}
