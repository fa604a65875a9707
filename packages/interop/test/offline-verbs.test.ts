import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower } from '../src/weed-follower.js';

const VOLUME_ID = 1;
const IDS = Array.from({ length: 12 }, (_, i) => BigInt(i + 1));
const contentOf = (id: bigint, round: number) =>
  new TextEncoder().encode(`needle ${id}, round ${round}`.repeat(20));

let cluster: WeedCluster;
let server: WeedVolumeServer;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-offline-'));
});

afterEach(async () => {
  await cluster?.stop();
  await rm(directory, { recursive: true, force: true });
});

async function start(...args: readonly string[]): Promise<void> {
  cluster = await startWeedCluster({ volumeServers: 0 });
  server = await cluster.addServer({ args });
  await server.allocate(VOLUME_ID);
  for (const id of IDS) await server.put(VOLUME_ID, id, contentOf(id, 1));
  for (const id of [9n, 2n, 5n]) await server.put(VOLUME_ID, id, contentOf(id, 2));
  for (const id of [1n, 3n, 7n]) await server.delete(VOLUME_ID, id);
  await server.put(VOLUME_ID, 13n, new Uint8Array(0));
  await cluster.waitForVolume(VOLUME_ID);
}

async function seen(): Promise<readonly (readonly [number, string])[]> {
  const answers: (readonly [number, string])[] = [];
  for (const id of [...IDS, 13n]) {
    const response = await server.get(VOLUME_ID, id);
    answers.push([response.status, response.status === 200 ? await response.text() : '']);
  }
  return answers;
}

const offline = (verb: string, dir: string, ...more: readonly string[]) =>
  runHoldfast(verb, '--dir', dir, '--volume', `${VOLUME_ID}`, '--json', ...more);

describe('on the directory of a real server, stopped', () => {
  it.each([[[]], [['-index=leveldb']]])('compact: it serves the same afterwards (%j)', async (args) => {
    await start(...args);
    const before = await seen();
    expect(before.filter(([status]) => status === 404)).toHaveLength(3);
    await server.stop();
    const refused = await offline('compact', server.dataDirectory);
    expect(refused).toMatchObject({ exitCode: 3, summary: { code: 'directory-served' } });
    const compacted = await offline('compact', server.dataDirectory, '--take-over');
    expect(compacted).toMatchObject({
      exitCode: 0,
      summary: { ok: true, volumes: [{ revision: 1, needles: 10, damagedNeedles: 0 }] },
    });
    const [{ datSizeBefore, datSize }] = compacted.summary!.volumes as [
      { datSizeBefore: number; datSize: number },
    ];
    expect(datSize).toBeLessThan(datSizeBefore);
    expect((await server.readFile(VOLUME_ID, '.dat')).length).toBe(datSize);
    await server.start();
    await cluster.waitForVolume(VOLUME_ID);
    expect(await seen()).toEqual(before);
    await server.put(VOLUME_ID, 20n, contentOf(20n, 1));
    await server.delete(VOLUME_ID, 9n);
    await server.vacuum(VOLUME_ID);
    expect((await server.get(VOLUME_ID, 20n)).status).toBe(200);
    expect((await server.get(VOLUME_ID, 9n)).status).toBe(404);
    await server.assertStaysAlive();
  });

  it.each([[[]], [['-index=leveldb']]])('fix: it serves the same afterwards (%j)', async (args) => {
    await start(...args);
    const before = await seen();
    await server.stop();
    await writeFile(join(server.dataDirectory, `${VOLUME_ID}.idx`), new Uint8Array(0));
    expect((await offline('fix', server.dataDirectory)).exitCode).toBe(3);
    expect((await offline('fix', server.dataDirectory, '--take-over')).exitCode).toBe(0);
    await server.start();
    await cluster.waitForVolume(VOLUME_ID);
    const after = await seen();
    // Nothing in the data tells a live empty needle from a deletion, and the index that did is gone.
    expect(after.slice(0, -1)).toEqual(before.slice(0, -1));
    await server.assertStaysAlive();
  });
});

describe('a followed volume', () => {
  it.each(['compact', 'fix'])(
    '%s refuses; with --detach what was held is kept, and a backup brings it back',
    async (verb) => {
      await start();
      const copy = join(directory, 'copy');
      const backup = () => runHoldfast('backup', '--master', cluster.masterAddress, '--dir', copy, '--json');
      expect((await backup()).exitCode).toBe(0);
      const held = await readFile(join(copy, `${VOLUME_ID}.dat`));
      const refused = await offline(verb, copy);
      expect(refused).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('--detach') });
      expect(Buffer.compare(await readFile(join(copy, `${VOLUME_ID}.dat`)), held)).toBe(0);
      expect((await offline(verb, copy, '--detach')).exitCode).toBe(0);
      const status = await offline('status', copy);
      expect(status.summary).toMatchObject({ volumes: [{ generations: [{ id: 1, isCurrent: false }] }] });
      const kept = await readFile(join(copy, '.holdfast', `${VOLUME_ID}`, '1', `${VOLUME_ID}.dat`));
      expect(Buffer.compare(kept, held)).toBe(0);
      expect((await offline(verb, copy)).exitCode).toBe(0);
      expect((await offline('export', copy, '--out', join(directory, 'files'))).summary).toMatchObject({
        files: 10,
      });

      const again = await backup();
      expect(again).toMatchObject({ exitCode: 0, summary: { volumes: [{ outcome: 'rebased' }] } });
      const follower = await createWeedFollower(server, { directory: copy });
      expect(await follower.differences(VOLUME_ID)).toEqual([]);
      expect((await backup()).summary).toMatchObject({ volumes: [{ outcome: 'idle' }] });
      await server.assertStaysAlive();
    },
  );
});
