import type { Timers } from '@holdfast/format';
import { linkAbort } from '../linked-abort.js';

/** A wait that can be cut short. */
export interface Bell {
  /** Ends the wait that is under way, or the next one at once. */
  ring(): void;
  /** Resolves after `delayMs`, when it is rung or has been since the last wait, and when the signal aborts. */
  wait(delayMs: number, signal: AbortSignal): Promise<void>;
}

export function createBell(timers: Timers): Bell {
  let isRung = false;
  let wake: (() => void) | undefined;

  return {
    ring() {
      isRung = true;
      wake?.();
    },
    async wait(delayMs, signal) {
      if (!isRung) {
        const asleep = linkAbort(signal);
        wake = asleep.end;
        await timers.sleep(delayMs, asleep.signal).catch(() => undefined);
        asleep.end();
        wake = undefined;
      }
      isRung = false;
    },
  };
}
