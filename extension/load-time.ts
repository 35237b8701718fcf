/** This module is evaluated before all others of the bundle, so that loading the bundle counts as part of the activation. */
const wallAtLoad = performance.now();
const cpuAtLoad = process.cpuUsage();

export interface OwnWork {
  /** Milliseconds that passed, including those in which other processes ran. */
  readonly wallMs: number;
  /** Milliseconds of processor time of the extension host. */
  readonly cpuMs: number;
}

/** The work since the bundle began to load. */
export function sinceLoad(): OwnWork {
  const { user, system } = process.cpuUsage(cpuAtLoad);
  return { wallMs: performance.now() - wallAtLoad, cpuMs: (user + system) / 1000 };
}

/** Adds up evaluating the bundle and activating, without what the host did in between. */
export function sum(bundle: OwnWork, activateStart: OwnWork, activateEnd: OwnWork): OwnWork {
  return {
    wallMs: bundle.wallMs + activateEnd.wallMs - activateStart.wallMs,
    cpuMs: bundle.cpuMs + activateEnd.cpuMs - activateStart.cpuMs,
  };
}
