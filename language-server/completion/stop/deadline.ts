/** The time budget of one request. */

export interface Deadline {
  readonly over: boolean;
  onOver(action: () => void): void;
  stop(): void;
}

/** @param milliseconds 0: none */
export function startDeadline(milliseconds: number): Deadline {
  let over = false;
  let action: (() => void) | undefined;
  const end = () => {
    over = true;
    action?.();
  };
  const timer = milliseconds > 0 ? setTimeout(end, milliseconds) : undefined;
  return {
    get over() {
      return over;
    },
    onOver(next) {
      action = next;
      if (over) {
        next();
      }
    },
    stop: () => clearTimeout(timer),
  };
}
