import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemTimers as timers } from '@holdfast/format/node';
import { openNeedleStore } from '@holdfast/leader';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { settleDisk } from './settle-disk.js';

const CALLERS = 64;
const NEEDLE_BYTES = 4096;
const COOKIE = 1;

/** Calls a second. */
export interface StoreLoad {
  readonly durableWrites: number;
  readonly plainWrites: number;
  readonly reads: number;
}

/** What the store of Holdfast's leader takes from 64 callers at once, needles of 4 KB, no network before it. */
export async function measureStoreLoad(seconds: number): Promise<StoreLoad> {
  const env = nodeStoreEnvironment();
  const directory = await mkdtemp(join(tmpdir(), 'holdfast-bench-'));
  const store = await openNeedleStore({ env, timers, directory });
  try {
    const volume = await store.allocate({ volumeId: 1, collection: '' });
    const data = randomBytes(NEEDLE_BYTES);
    let written = 0;
    const write = (isDurable: boolean) => {
      const content = { needleId: BigInt(++written), cookie: COOKIE, name: 'a.bin', lastModifiedSeconds: 1 };
      return volume.write({ content, data }, { isDurable });
    };
    const durableWrites = await callsPerSecond(seconds, () => write(true));
    await settleDisk();
    const plainWrites = await callsPerSecond(seconds, () => write(false));
    await settleDisk();
    const reads = await callsPerSecond(seconds, async () => {
      const needleId = BigInt(1 + Math.floor(Math.random() * written));
      const needle = await volume.open(needleId, { cookie: COOKIE });
      await needle.close();
    });
    return { durableWrites, plainWrites, reads };
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

async function callsPerSecond(seconds: number, call: () => Promise<unknown>): Promise<number> {
  const startedAtMs = performance.now();
  const endsAtMs = startedAtMs + seconds * 1000;
  let calls = 0;
  await Promise.all(
    Array.from({ length: CALLERS }, async () => {
      for (; performance.now() < endsAtMs; calls++) await call();
    }),
  );
  return (1000 * calls) / (performance.now() - startedAtMs);
}
