/** Evaluated before every other module of the bundle, so that loading the bundle counts as work of the activation. */
const wallAtLoad = performance.now();
const cpuAtLoad = process.cpuUsage();

export interface OwnWork {
  /** Milliseconds that passed; other processes may have had the processor in between. */
  readonly wallMs: number;
  /** Milliseconds of processor time of the extension host. */
  readonly cpuMs: number;
}

/** Since the bundle began to load. */
export function sinceLoad(): OwnWork {
  const { user, system } = process.cpuUsage(cpuAtLoad);
  return { wallMs: performance.now() - wallAtLoad, cpuMs: (user + system) / 1000 };
}

/** Two stretches of work, without what the host did between them. */
export function sum(bundle: OwnWork, activateStart: OwnWork, activateEnd: OwnWork): OwnWork {
  return {
    wallMs: bundle.wallMs + activateEnd.wallMs - activateStart.wallMs,
    cpuMs: bundle.cpuMs + activateEnd.cpuMs - activateStart.cpuMs,
  };
}
