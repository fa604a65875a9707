import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultSyncPolicy, type SyncReport, syncVolume } from '@holdfast/follower';
import { nativeCrc32c, systemTimers } from '@holdfast/format/node';
import { createLeader, openNeedleStore, type StoredVolume } from '@holdfast/leader';
import { createFollowService, createHoldfastLeaderClient } from '@holdfast/protocol';
import { createVolume, openVolumeHome } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createSeededRandom } from '@holdfast/testkit';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { expect, test } from 'vitest';

const NEEDLES = 100_000;
const NEEDLE_BYTES = 4096;
const VOLUME = { volumeId: 1, collection: '' };
const env = nodeStoreEnvironment();
const timers = systemTimers;

test('100,000 needles of 4 KB, 1 % changed and compacted on a Holdfast leader: at most 8 % is received', async () => {
  const root = await mkdtemp(join(tmpdir(), 'holdfast-rebase-'));
  const [directory, copy] = [join(root, 'leader'), join(root, 'copy')];
  await mkdir(directory);
  await mkdir(copy);
  await fill(directory);
  const store = await openNeedleStore({ env, timers, directory });
  const leader = createLeader({ env, timers, store, serverId: 'holdfast' });
  const transport = createGrpcTransport();
  const listener = await transport.serve('127.0.0.1:0', [
    createFollowService(leader, { crc32c: nativeCrc32c, timers }),
  ]);
  const { address } = listener;
  const client = createHoldfastLeaderClient({ address, transport, crc32c: nativeCrc32c, timers });

  async function syncEqual(): Promise<SyncReport> {
    const home = await openVolumeHome(env, { directory: copy, volume: VOLUME });
    const { signal } = new AbortController();
    const common = { home, directory: copy, volume: VOLUME, leader: client, server: 'holdfast' };
    const report = await syncVolume({ ...common, env, timers, policy: defaultSyncPolicy, signal });
    await home.close();
    expect(report).toMatchObject({ ok: true, error: null });
    for (const name of ['1.dat', '1.idx'])
      expect((await readFile(join(copy, name))).equals(await readFile(join(directory, name))), name).toBe(
        true,
      );
    return report;
  }

  try {
    expect(await syncEqual()).toMatchObject({ outcome: 'copied', plan: { way: 'whole' } });
    const volume = store.find(1)!;
    await changeOnePercent(volume);
    await volume.compact();
    await volume.commitCompaction();
    const report = await syncEqual();
    expect(report).toMatchObject({ outcome: 'rebased', plan: { way: 'windows' } });
    expect(report.bytesReceived).toBeLessThanOrEqual(0.08 * report.datSize);
    expect(report.bytesReused).toBeGreaterThan(0.95 * report.datSize);
  } finally {
    await listener.close();
    await leader.close();
    await store.close();
    await rm(root, { recursive: true });
  }
}, 240_000);

async function fill(directory: string): Promise<void> {
  await using volume = await createVolume(env, { directory, name: '1' });
  const source = createSeededRandom(1).bytes(NEEDLE_BYTES + NEEDLES);
  for (let id = 1; id <= NEEDLES; id++)
    await volume.append({ needleId: BigInt(id), cookie: id, data: source.subarray(id, id + NEEDLE_BYTES) });
}

async function changeOnePercent(volume: StoredVolume): Promise<void> {
  const data = createSeededRandom(2).bytes(NEEDLE_BYTES);
  const changes: Promise<unknown>[] = [];
  for (let id = 1; id <= NEEDLES; id += 100) {
    const needleId = BigInt(id);
    const content = { needleId, cookie: id };
    changes.push(id % 200 === 1 ? volume.write({ content, data }) : volume.delete(needleId));
  }
  await Promise.all(changes);
}
