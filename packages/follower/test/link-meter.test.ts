import { describe, expect, it } from 'vitest';
import { LinkMeter } from '../src/link-meter.js';

const KiB = 1024;

/** A meter, and readings that take as long as they say. */
function createRig(rangesAtOnce: number) {
  let nowMs = 0;
  const meter = new LinkMeter(
    { nowMs: () => nowMs, nowNs: () => 0n, monotonicMs: () => nowMs },
    rangesAtOnce,
  );
  const read = (ranges: number, lengthBytes: number, tookMs: number) =>
    meter.time(
      Array.from({ length: ranges }, () => ({ offset: 0, lengthBytes })),
      async () => void (nowMs += tookMs),
    );
  return { meter, read };
}

describe('what ranges cost on a link', () => {
  it('at first what the quickest round trip says, by the ranges that one brings', async () => {
    const { meter, read } = createRig(4);
    expect(meter.cost).toEqual({ secondsPerRange: 0, bytesPerSecond: undefined });
    await read(2, 2 * KiB, 80);
    await read(3, 4 * KiB, 40);
    await read(1, 8, 60);
    expect(meter.cost.secondsPerRange).toBe(0.01);
  });

  it('then the pace of many', async () => {
    const { meter, read } = createRig(4);
    await read(2, 2 * KiB, 40);
    await read(1000, 48, 2000);
    expect(meter.cost.secondsPerRange).toBe(0.002);
    await read(1000, 48, 4000);
    expect(meter.cost.secondsPerRange).toBe(0.003);
  });

  it('bytes by long ranges alone', async () => {
    const { meter, read } = createRig(4);
    await read(10, 20 * KiB, 1);
    expect(meter.cost.bytesPerSecond).toBeUndefined();
    await read(1, 1000 * KiB, 500);
    expect(meter.cost.bytesPerSecond).toBe(2000 * KiB);
    await read(4, 1000 * KiB, 0);
    expect(meter.cost).toEqual({ secondsPerRange: 0, bytesPerSecond: 2000 * KiB });
  });
});
