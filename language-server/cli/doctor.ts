/** `doctor`: each part that the project needs, whether it works here, and what to do when it does not. */

import { access, constants, mkdir } from 'node:fs/promises';
import os from 'node:os';
import { checkPlace } from '../base/cache-files';
import { cacheFolder } from '../base/cache-folder';
import { type EngineError, toEngineError } from '../base/errors';
import { version } from '../base/version';
import { findCalibration } from '../engine/calibration/calibration';
import { chooseDevice, chooseThreads } from '../engine/devices';
import { checkMemory, memoryAvailable } from '../engine/memory';
import { inspectModel } from '../engine/native/inspect';
import { addonPath, loadAddon } from '../engine/native/load-addon';
import { chooseContextTokens } from '../engine/native/native-engine';
import { fitOf } from '../models/fit';
import { findModels } from '../models/stores/find-models';
import { formatBytes } from '../protocol/format';
import { describeFit } from '../protocol/model-texts';
import type { CommandLine } from './arguments';
import { findModel, withEngine } from './open-engine';
import type { Output } from './output';

interface Finding {
  readonly subject: string;
  readonly ok: boolean;
  readonly text: string;
  readonly code?: string;
  readonly remedy?: string;
}

/** @returns whether all works */
export async function doctor(line: CommandLine, output: Output, signal: AbortSignal): Promise<boolean> {
  const { options } = line;
  const findings: Finding[] = [];
  const check = async (subject: string, work: () => string | Promise<string>): Promise<void> => {
    let finding: Finding;
    try {
      finding = { subject, ok: true, text: await work() };
    } catch (error) {
      finding = failed(subject, toEngineError(error));
    }
    findings.push(finding);
    if (!options.json) {
      output.line(`${finding.ok ? 'ok  ' : 'FAIL'} ${subject.padEnd(13)}${finding.text}`);
      if (finding.remedy !== undefined) {
        output.line(`     ${''.padEnd(13)}${finding.remedy}`);
      }
    }
  };
  await check(
    'program',
    () => `fasa-code ${version}, Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  );
  await check('machine', () => {
    const threads = chooseThreads(options.threads);
    return `${os.cpus()[0]?.model ?? 'CPU'}, ${threads} threads of ${os.availableParallelism()}, ${formatBytes(memoryAvailable())} free`;
  });
  await check('cache folder', () => checkCacheFolder());
  await check('addon', () => {
    const { versions } = loadAddon();
    return `${addonPath()} (addon ${versions.addon}, ggml ${versions.ggml}, Node-API ${versions.napi})`;
  });
  await check('processor', () => {
    const { library, features, fasaKernels } = loadAddon().cpuFeatures();
    return `${library}; ${features.join(' ')}; FASA kernels ${fasaKernels}`;
  });
  await check('devices', () => {
    const devices = loadAddon().devices();
    const list = devices.map(({ name, software, kind, memoryFree }) => {
      return `${name} (${software ? 'software driver' : kind}, ${formatBytes(memoryFree)} free)`;
    });
    return `${list.join(', ')}; in use: ${chooseDevice(devices, options.device)?.name ?? 'CPU'}`;
  });
  let used = '';
  await check('model', async () => {
    const file = await findModel(options.model, output, signal);
    used = file;
    const info = inspectModel(loadAddon(), file);
    const contextTokens = chooseContextTokens(info, options.contextTokens);
    const host = memoryAvailable();
    checkMemory(info, contextTokens, host);
    const fit = describeFit(fitOf({ ...info, trainedContext: undefined }, { host }, contextTokens));
    const calibration = (await findCalibration(info)) === undefined ? 'not calibrated: dense attention' : 'calibrated';
    return `${info.name} (${info.architecture}, ${info.quantization}, ${formatBytes(info.bytes)}), ${calibration}; ${fit}`;
  });
  await check('other models', async () => {
    const found = (await findModels({ folders: line.folders })).filter(({ file }) => file !== used);
    const usable = found.filter(({ support }) => support.supported).length;
    return `${found.length} on this machine, ${usable} of them usable ("fasa-code models list")`;
  });
  if (findings.every((finding) => finding.ok)) {
    await check('decoding', () => tryDecoding(line, output, signal));
  }
  const ok = findings.every((finding) => finding.ok);
  if (options.json) {
    output.json({ ok, findings });
  }
  return ok;
}

function failed(subject: string, error: EngineError): Finding {
  return { subject, ok: false, text: error.message, code: error.code, remedy: error.remedy };
}

async function checkCacheFolder(): Promise<string> {
  const folder = cacheFolder();
  await mkdir(folder, { recursive: true });
  await access(folder, constants.R_OK | constants.W_OK);
  for (const name of ['chunks', 'repositories', 'calibration']) {
    await checkPlace({ base: folder, names: [name] });
  }
  return folder;
}

/** Four tokens are enough to see that the graph runs on this machine. */
async function tryDecoding({ options }: CommandLine, output: Output, signal: AbortSignal): Promise<string> {
  return withEngine({ ...options, contextTokens: 256 }, output, signal, async (engine) => {
    const { stats, tokens } = await engine.generate({
      sequence: 'inline',
      tokens: engine.tokenize('function add(a, b) {\n  return'),
      maxTokens: 4,
      sampling: { temperature: 0, topK: 1, topP: 1, seed: 0 },
      signal,
    });
    return `${tokens} tokens, the first after ${stats.firstTokenMs.toFixed(0)} ms`;
  });
}
