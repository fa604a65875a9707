import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSyncPolicy, type SyncReport, syncVolume } from '@holdfast/follower';
import { nativeCrc32c, systemTimers as timers } from '@holdfast/format/node';
import { createLeader, openNeedleStore, type StoredVolume } from '@holdfast/leader';
import { createFollowService, createHoldfastLeaderClient, createMemoryNetwork } from '@holdfast/protocol';
import { openVolumeHome, verifyFiles } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createSeededRandom } from '@holdfast/testkit';
import { expect, test } from 'vitest';

const VOLUME = { volumeId: 1, collection: '' };
const WRITERS = 8;
const VACUUMS = 3;
const CHANGES = 60;
const env = nodeStoreEnvironment();

test('a follower of a leader that is written and compacted three times is equal in the end, and loses nothing on the way', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-vacuums-'));
  const [directory, copy] = [join(root, 'leader'), join(root, 'copy')];
  await mkdir(directory);
  await mkdir(copy);
  const store = await openNeedleStore({ env, timers, directory });
  const volume = await store.allocate(VOLUME);
  const leader = createLeader({ env, timers, store, serverId: 'holdfast' });
  const network = createMemoryNetwork({ timers });
  const { address, close } = await network.serve('leader:1', [
    createFollowService(leader, { crc32c: nativeCrc32c, timers }),
  ]);
  const client = createHoldfastLeaderClient({ address, transport: network, crc32c: nativeCrc32c, timers });
  const { signal } = new AbortController();

  async function sync(): Promise<SyncReport> {
    const home = await openVolumeHome(env, { directory: copy, volume: VOLUME });
    const common = { home, directory: copy, volume: VOLUME, leader: client, server: 'holdfast' };
    try {
      return await syncVolume({ ...common, env, timers, policy: defaultSyncPolicy, signal });
    } finally {
      await home.close();
    }
  }

  try {
    let isWriting = true;
    const following = (async () => {
      // A run that the leader overtakes again and again may give up; the last one, when all is still, may not.
      while (isWriting) await sync();
    })();
    for (let round = 0; round <= VACUUMS; round++) {
      const writing = Promise.all(
        Array.from({ length: WRITERS }, (_, writer) => write(volume, writer, round)),
      );
      if (round > 0) {
        await volume.compact();
        await volume.commitCompaction();
      }
      await writing;
    }
    isWriting = false;
    await following;
    expect(await sync()).toMatchObject({ ok: true, error: null });
    expect(volume.status().revision).toBe(VACUUMS);
    for (const file of ['1.dat', '1.idx'])
      expect((await readFile(join(copy, file))).equals(await readFile(join(directory, file))), file).toBe(
        true,
      );
    for await (const finding of verifyFiles(env, { directory: copy, name: '1' }))
      expect(finding).toBeUndefined();
  } finally {
    await close();
    await leader.close();
    await store.close();
    await rm(root, { recursive: true });
  }
}, 60_000);

/** Puts, overwrites and deletes needles that are this writer's own, each durable before the next. */
async function write(volume: StoredVolume, writer: number, round: number): Promise<void> {
  const random = createSeededRandom(100 * round + writer);
  const live = new Set<number>();
  for (let i = 0; i < CHANGES; i++) {
    const id = 1 + writer * 20 + Math.floor(random.nextFloat() * 20);
    if (live.has(id) && random.nextFloat() < 0.3) {
      live.delete(id);
      await volume.delete(BigInt(id), { cookie: id });
    } else {
      live.add(id);
      const data = random.bytes(Math.floor(random.nextFloat() * 9000));
      await volume.write({ content: { needleId: BigInt(id), cookie: id }, data });
    }
  }
}
