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
export function ownWork(): OwnWork {
  const { user, system } = process.cpuUsage(cpuAtLoad);
  return { wallMs: performance.now() - wallAtLoad, cpuMs: (user + system) / 1000 };
}
