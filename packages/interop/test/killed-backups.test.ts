import { createSeededRandom } from '@holdfast/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CountingProxy, startCountingProxy } from '../src/counting-proxy.js';
import { startHoldfast } from '../src/holdfast-command.js';
import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '../src/index.js';
import { createWeedFollower, type WeedFollower } from '../src/weed-follower.js';

const MiB = 1024 * 1024;
/** `npm run check` asks for more. */
const KILLS = Number(process.env.HOLDFAST_KILLS ?? 10);
const FIRST_MIB = 48;
const MIB_A_KILL = 4;
const VOLUME_ID = 1;
/** By when a process that was not told to die earlier is well into a run, or through with it. */
const GREATEST_AGE_MS = 1200;
/** The master tells of this address; what listens there counts and passes on. */
const PROXY_IP = '127.0.0.2';

const random = createSeededRandom(61);
const noise = random.bytes(MiB);
let cluster: WeedCluster;
let server: WeedVolumeServer;
let proxy: CountingProxy;
let copy: WeedFollower;
let nextNeedleId = 1;

beforeAll(async () => {
  cluster = await startWeedCluster({ volumeServers: 0 });
  server = await cluster.addServer({ announcedIp: PROXY_IP });
  const [host, port] = server.grpcAddress.split(':') as [string, string];
  proxy = await startCountingProxy({ host: PROXY_IP, port: Number(port) }, { host, port: Number(port) });
  copy = await createWeedFollower(server);
});

afterAll(async () => {
  await proxy?.close();
  await copy?.remove();
  await cluster?.stop();
});

async function putMebibytes(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const content = noise.slice();
    new DataView(content.buffer).setFloat64(0, random.nextFloat());
    expect((await server.put(VOLUME_ID, BigInt(nextNeedleId++), content)).status).toBe(201);
  }
}

const backup = () =>
  startHoldfast('backup', '--master', cluster.masterAddress, '--dir', copy.directory, '--json');

/** Kills one run: at an age, or when it has received so much; a run that ends before that was only short. */
async function killOne(isByAge: boolean): Promise<boolean> {
  const at = proxy.receivedBytes + Math.floor(random.nextFloat() * (MIB_A_KILL + FIRST_MIB / 4) * MiB);
  const run = backup();
  const ageMs = Math.floor(random.nextFloat() * GREATEST_AGE_MS);
  const moment = isByAge ? new Promise((resolve) => setTimeout(resolve, ageMs)) : proxy.received(at);
  await Promise.race([moment, run.ended]);
  run.process.kill('SIGKILL');
  const { exitCode } = await run.ended;
  expect([null, 0]).toContain(exitCode);
  return exitCode === null;
}

it(`${KILLS} runs killed at random moments, then a plain one: equal, and little was read twice`, {
  timeout: 60_000 + KILLS * 5000,
}, async () => {
  await server.allocate(VOLUME_ID);
  await cluster.waitForVolume(VOLUME_ID);
  await putMebibytes(FIRST_MIB);
  for (let run = 0, kills = 0; kills < KILLS; run++) {
    expect(run, 'runs for so many kills').toBeLessThan(4 * KILLS);
    if (await killOne(run % 2 === 0)) kills++;
    await putMebibytes(MIB_A_KILL);
    await server.delete(VOLUME_ID, BigInt(nextNeedleId - 2));
  }
  const { exitCode, summary } = await backup().ended;
  expect(exitCode).toBe(0);
  expect(summary).toMatchObject({ ok: true });
  expect(await copy.differences(VOLUME_ID)).toEqual([]);
  const { length } = await server.readFile(VOLUME_ID, '.dat');
  expect(proxy.receivedBytes).toBeLessThanOrEqual(2 * length + KILLS * 8 * MiB);
  await server.assertStaysAlive();
});
