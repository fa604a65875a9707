import type { RpcTimers } from '@holdfast/protocol';

/** The platform's timers behind the port. */
export const realTimers: RpcTimers = {
  sleep: (delayMs, signal) =>
    new Promise((resolve, reject) => {
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      }, delayMs);
      signal?.addEventListener('abort', onAbort, { once: true });
    }),
};
