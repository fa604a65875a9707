import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { weedShell } from '../src/weed-command.js';

const VOLUME_ID = 4;
const OTHER_ID = 5;

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;

beforeAll(async () => {
  // By itself: shards are not moved between servers of the loopback interface.
  cluster = await startWeedCluster();
  server = cluster.servers[0]!;
  directory = await mkdtemp(join(tmpdir(), 'holdfast-erasure-coded-'));
  for (const volumeId of [VOLUME_ID, OTHER_ID]) {
    await server.allocate(volumeId);
    for (let id = 1n; id <= 40n; id++) await server.put(volumeId, id, Buffer.alloc(30_000, Number(id)));
    await cluster.waitForVolume(volumeId);
  }
});

afterAll(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

function backup() {
  return runHoldfast('backup', '--json', '--master', cluster.masterAddress, '--dir', directory);
}

function volumesOf({ summary }: Awaited<ReturnType<typeof backup>>) {
  return [...(summary!.volumes as { readonly id: number }[])].sort((a, b) => a.id - b.id);
}

test('a volume that the real server erasure-codes is kept and told of; decoded again, it costs next to nothing', async () => {
  expect(await backup()).toMatchObject({ exitCode: 0 });
  const before = await readFile(join(directory, `${VOLUME_ID}.dat`));

  await weedShell(cluster, `ec.encode -volumeId=${VOLUME_ID} -force`);
  const coded = await backup();
  expect(coded.exitCode).toBe(1);
  expect(volumesOf(coded)).toMatchObject([{ outcome: 'unsupported' }, { outcome: 'idle' }]);
  expect((await readFile(join(directory, `${VOLUME_ID}.dat`))).equals(before)).toBe(true);
  const told = await runHoldfast('status', '--dir', directory, '--volume', `${VOLUME_ID}`);
  expect(told.stdout).toContain('erasure-coded');
  expect(told.stdout).toContain(`revision 0, from ${server.httpAddress}`);

  await weedShell(cluster, `ec.decode -volumeId=${VOLUME_ID}`);
  await cluster.waitForVolume(VOLUME_ID);
  const decoded = await backup();
  expect(decoded.exitCode).toBe(0);
  expect(volumesOf(decoded)[0]).toMatchObject({ outcome: 'rebased' });
  expect((volumesOf(decoded)[0] as unknown as { bytesReceived: number }).bytesReceived).toBeLessThan(
    before.length / 4,
  );
  for (const ext of ['.dat', '.idx'] as const)
    expect(
      (await readFile(join(directory, `${VOLUME_ID}${ext}`))).equals(await server.readFile(VOLUME_ID, ext)),
    ).toBe(true);
});
