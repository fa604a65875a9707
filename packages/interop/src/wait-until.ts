import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 30;

/** Resolves with the first value that is neither `undefined` nor false; errors of the condition count as not yet. */
export async function waitUntil<T>(
  what: string,
  condition: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const endsAtMs = Date.now() + timeoutMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
      if (error instanceof Gone) throw error;
    }
    if (Date.now() > endsAtMs) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`, { cause: last });
    await sleep(POLL_MS);
  }
}

/** What is waited for can no longer come. */
export class Gone extends Error {
  override readonly name = 'Gone';
}
