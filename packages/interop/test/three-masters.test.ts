import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePortPair } from '../src/free-ports.js';
import { startHoldfast } from '../src/holdfast-command.js';
import { type HoldfastServer, startHoldfastServer } from '../src/holdfast-server.js';
import { waitUntil } from '../src/index.js';
import { weedBinary } from '../src/weed-binary.js';
import { assignFile } from '../src/weed-client.js';
import { startWeed, type WeedProcess } from '../src/weed-process.js';

/** An election takes about fifteen seconds, and a server's next try up to ten. */
const GOES_ON_WITHIN_MS = 90_000;

interface Master {
  readonly masterHttpAddress: string;
  readonly process: WeedProcess;
}

let directory: string;
let masterAddress: string;
let masters: Master[];
let own: HoldfastServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-masters-'));
  const binary = await weedBinary();
  const ports = [await freePortPair(), await freePortPair(), await freePortPair()];
  masterAddress = ports.map(([port, grpcPort]) => `127.0.0.1:${port}.${grpcPort}`).join(',');
  masters = await Promise.all(
    ports.map(async ([port, grpcPort]) => {
      const home = join(directory, `master-${port}`);
      await mkdir(home);
      const args = [
        'master',
        '-telemetry=false',
        '-ip=127.0.0.1',
        `-peers=${masterAddress}`,
        `-mdir=${home}`,
      ];
      return {
        masterHttpAddress: `127.0.0.1:${port}`,
        process: startWeed(binary, [...args, `-port=${port}`, `-port.grpc=${grpcPort}`], home),
      };
    }),
  );
  await leading();
  own = await startHoldfastServer({ directory, masterAddress }, 'own');
});

afterAll(async () => {
  await own?.stop();
  await Promise.all((masters ?? []).map(({ process }) => process.kill()));
  await rm(directory, { recursive: true, force: true });
});

/** The one that leads, once there is one. */
function leading(): Promise<Master> {
  return waitUntil(
    'a master leads',
    async () => {
      for (const master of masters.filter(({ process }) => process.isAlive)) {
        const response = await fetch(`http://${master.masterHttpAddress}/cluster/status`);
        if (((await response.json()) as { readonly IsLeader?: boolean }).IsLeader) return master;
      }
      return undefined;
    },
    GOES_ON_WITHIN_MS,
  );
}

async function put(master: Master, body: string): Promise<string> {
  const { fid, url } = await assignFile(master, { collection: 'c' });
  expect((await fetch(url, { method: 'PUT', body, headers: { 'content-type': 'image/png' } })).status).toBe(
    201,
  );
  return fid;
}

test('the leading master is killed: the server registers with the next one, and a follower goes on', async () => {
  const copies = join(directory, 'copies');
  const first = await leading();
  await put(first, 'before');
  const following = startHoldfast(
    'follow',
    '--json',
    '--master',
    masterAddress,
    '--dir',
    copies,
    '--interval',
    '100ms',
  );
  await following.printed('"outcome":"copied"');

  await first.process.kill();
  const fid = await waitUntil('it is written', async () => put(await leading(), 'after'), GOES_ON_WITHIN_MS);
  const name = `c_${fid.split(',')[0]}.dat`;
  await waitUntil('the copy has what was written since', async () =>
    (await readFile(join(copies, name))).equals(await readFile(join(own.directory, name))),
  );
  expect((await readFile(join(copies, name))).includes('after')).toBe(true);
  following.process.kill('SIGTERM');
  expect((await following.ended).exitCode).toBe(0);
});
