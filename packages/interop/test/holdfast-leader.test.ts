import { cp, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredVolume } from '@holdfast/leader';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type HoldfastVolumeServer, startHoldfastVolumeServer } from '../src/holdfast-volume-server.js';
import { startWeedCluster, type WeedCluster, weedBackup } from '../src/index.js';

let cluster: WeedCluster;
let server: HoldfastVolumeServer;
let directory: string;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
  server = await startHoldfastVolumeServer({ masterAddress: cluster.masterAddress });
  directory = await mkdtemp(join(tmpdir(), 'holdfast-taken-over-'));
});

afterAll(async () => {
  await server?.stop();
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

const content = (id: number, round: number) =>
  Buffer.from(`needle ${id} of round ${round}, `.repeat(1 + ((id * 7) % 90)));

/** Needles written at once, some of them deleted. */
async function write(volume: StoredVolume, round: number, first: number, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, i) => first + i);
  await Promise.all(
    ids.map((id) =>
      volume.write({
        content: {
          needleId: BigInt(id),
          cookie: id,
          name: `${id}.txt`,
          mime: 'text/plain',
          lastModifiedSeconds: 1_700_000_000,
        },
        data: content(id, round),
      }),
    ),
  );
  await Promise.all(ids.filter((id) => id % 10 === 3).map((id) => volume.delete(BigInt(id), { cookie: id })));
}

test('weed backup of each volume, from nothing and after further appends, is equal to the leader', async () => {
  const volumes = await Promise.all(
    [
      { volumeId: 1, collection: '' },
      { volumeId: 2, collection: 'pictures' },
    ].map((name) => server.store.allocate(name)),
  );
  const backups = join(directory, 'backup');
  for (let round = 0; round < 3; round++) {
    for (const volume of volumes) {
      const { volumeId, collection } = volume.name;
      await write(volume, round, 100 * round, 150);
      await cluster.waitForVolume(volumeId);
      const result = await weedBackup(cluster, { volumeId, collection, directory: backups });
      expect(result.ended, result.log).toBe(true);
      for (const ext of ['.dat', '.idx']) {
        const theirs = await readFile(
          join(backups, `${collection === '' ? '' : `${collection}_`}${volumeId}${ext}`),
        );
        const ours = await server.readFile(volumeId, ext, collection);
        expect(
          theirs.equals(ours),
          `round ${round}, volume ${volumeId}${ext}: ${theirs.length} and ${ours.length} bytes`,
        ).toBe(true);
      }
    }
  }
});

test('a real volume server on a copy of the files serves all that is live, and goes on with it', async () => {
  const volume = await server.store.allocate({ volumeId: 5, collection: '' });
  await write(volume, 1, 0, 60);
  await volume.write({ content: { needleId: 101n, cookie: 101 }, data: new Uint8Array(0) });
  await server.vacuum(5);
  await write(volume, 2, 40, 60);
  const home = join(directory, 'server');
  await mkdir(join(home, 'data'), { recursive: true });
  for (const ext of ['dat', 'idx', 'vif'])
    await cp(join(server.dataDirectory, `5.${ext}`), join(home, 'data', `5.${ext}`));
  await server.store.unmount(5);
  const weed = await cluster.addServer({ directory: home });
  for (let id = 0; id < 100; id++) {
    const response = await weed.get(5, BigInt(id));
    const body = Buffer.from(await response.arrayBuffer());
    if (id % 10 === 3) expect(response.status, `${id}`).toBe(404);
    else expect(body.equals(content(id, id < 40 ? 1 : 2)), `${id}`).toBe(true);
  }
  const empty = await weed.get(5, 101n);
  expect([empty.status, await empty.text()]).toEqual([200, '']);
  await weed.put(5, 200n, Buffer.from('theirs'));
  expect(await (await weed.get(5, 200n)).text()).toBe('theirs');
  await weed.vacuum(5);
  expect(await (await weed.get(5, 99n)).text()).toBe(`${content(99, 2)}`);
  weed.assertAlive();
});
