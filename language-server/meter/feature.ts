/** What the server does in idle time, as a feature: it measures, and calibrates a model that has no calibration. */

import { BackgroundCalibration } from '../engine/calibration/background-calibration';
import { fileTexts } from '../index/file-texts';
import type { WorkspaceIndex } from '../index/workspace-index';
import type { Feature, FeatureServices, Requests, StatusPart } from '../lsp/feature';
import { measureRequest } from '../protocol/server';
import { IdleMeter } from './idle-meter';

/** Milliseconds without a request after which the machine counts as idle. */
const defaultIdleMs = 5000;

export class MeterFeature implements Feature {
  readonly #services: FeatureServices;
  readonly #meter: IdleMeter;
  readonly #calibration: BackgroundCalibration;

  constructor(services: FeatureServices, index: WorkspaceIndex, idleMs = defaultIdleMs) {
    const { host, log, status, settings } = services;
    const common = { host, log, idleMs, onChange: () => status.changed() };
    this.#services = services;
    this.#meter = new IdleMeter(common);
    this.#calibration = new BackgroundCalibration({
      ...common,
      folders: () => (settings().repository.enabled ? index.folders.all.length : 0),
      texts: (signal) => {
        const sources = index.folders.all.map((folder) => folder.sources);
        return fileTexts(sources, signal);
      },
    });
  }

  register(requests: Requests): void {
    requests.on(measureRequest, async (_params, signal) => {
      const { host, status } = this.#services;
      this.#meter.stop();
      await host.whileBusy(() => this.#meter.measureNow(signal));
      return status.record();
    });
  }

  hostChanged(): void {
    this.#calibration.consider();
  }

  requestStarted(): void {
    this.#calibration.consider();
    this.#meter.requestStarted();
  }

  requestEnded(): void {
    this.#meter.requestEnded();
  }

  pause(): void {
    this.#meter.stop();
    this.#calibration.stop();
  }

  status(): StatusPart {
    return { ...this.#meter.figures, calibrating: this.#calibration.share };
  }

  shutdown(): void {
    this.#meter.close();
    this.#calibration.close();
  }
}
