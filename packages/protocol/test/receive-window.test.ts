import { describe, expect, it } from 'vitest';
import { openReceiveWindow, waitForSilence } from '../src/index.js';

const KiB = 1024;
const MiB = 1024 * KiB;
const LOOKS = 200;

/** A link of so many bytes a second and so long a way, on which a peer keeps the window full. */
async function windowOver(bytesPerSecond: number, roundTripMs: number, greatestBytes = 8 * MiB) {
  let nowMs = 0;
  let receivedBytes = 0;
  let windowBytes = 0;
  let looks = 0;
  const windows: number[] = [];
  const window = openReceiveWindow(
    {
      receivedBytes: () => Math.floor(receivedBytes),
      setWindow(bytes) {
        windowBytes = bytes;
        windows.push(bytes);
      },
      isGone: () => looks >= LOOKS,
      nowMs: () => nowMs,
      timers: {
        async sleep(delayMs) {
          looks++;
          nowMs += delayMs;
          receivedBytes +=
            (Math.min(bytesPerSecond, windowBytes / Math.max(1e-3, roundTripMs / 1000)) * delayMs) / 1000;
        },
      },
    },
    greatestBytes,
  );
  window.look();
  await new Promise((resolve) => setImmediate(resolve));
  return windows;
}

describe('the window of a connection', () => {
  it('stays small on a slow link, so that an answer stands behind seconds, not minutes', async () => {
    for (const rate of [20 * KiB, 100 * KiB]) expect(await windowOver(rate, 50)).toEqual([128 * KiB]);
  });

  it('grows to what comes in a second, and no further than it may', async () => {
    expect((await windowOver(MiB, 50)).at(-1)).toBeLessThan(MiB + KiB);
    expect((await windowOver(1000 * MiB, 1)).at(-1)).toBe(8 * MiB);
    expect((await windowOver(1000 * MiB, 1, 64 * KiB)).at(-1)).toBe(64 * KiB);
  });

  it('fills a long link', async () => {
    expect((await windowOver(20 * MiB, 300)).at(-1)).toBeGreaterThan(6 * MiB);
  });
});

describe('waiting for silence', () => {
  /** How many times 60 s a message is waited for, where so much comes in each of them. */
  async function patience(bytesEach: number): Promise<number> {
    let waits = 0;
    await waitForSilence(
      {
        noBytesTimeoutMs: 60_000,
        receivedBytes: () => waits * bytesEach,
        timers: {
          async sleep() {
            waits++;
          },
        },
      },
      new AbortController().signal,
    );
    return waits;
  }

  it('is over at once where nothing comes, or no more than pings', async () => {
    expect(await patience(0)).toBe(1);
    expect(await patience(64)).toBe(1);
  });

  it('goes on while a message comes in parts, until more has come than can have stood before it', async () => {
    expect(await patience(20 * KiB * 60)).toBeGreaterThan((2 * MiB) / (20 * KiB * 60));
    expect(await patience(20 * KiB * 60)).toBeLessThan(60);
    expect(await patience(1000 * MiB)).toBe(1);
  });
});
