/** Evaluated before every other module of the bundle, so that loading the bundle counts as work of the activation. */
export const loadStarted = performance.now();
