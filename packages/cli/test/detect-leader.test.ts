import { crc32c } from '@holdfast/format';
import { systemClock, systemTimers as timers } from '@holdfast/format/node';
import { createLeader } from '@holdfast/leader';
import { createFollowService, createHoldfastLeaderClient, createMemoryNetwork } from '@holdfast/protocol';
import { createSeaweedLeader } from '@holdfast/seaweedfs';
import { createSimulatedEnvironment, createStockServer } from '@holdfast/testkit';
import { expect, test } from 'vitest';
import { detectLeader } from '../src/detect-leader.js';

const signal = new AbortController().signal;

/** One address, at which a stock server is started and stopped, or Holdfast's leader. */
function rig() {
  const env = createSimulatedEnvironment({ seed: 1 });
  env.disk.plant('/data/.keep', new Uint8Array(0));
  const network = createMemoryNetwork({ timers });
  const addresses = { grpcAddress: 's:18080', httpAddress: 's:8080' };
  const stockServer = createStockServer({ network, ...addresses });
  const leader = detectLeader({
    own: createHoldfastLeaderClient({ address: addresses.grpcAddress, transport: network, crc32c, timers }),
    stock: createSeaweedLeader({
      transport: network,
      fetch: stockServer.fetch,
      ...addresses,
      timers,
      clock: systemClock,
    }),
  });
  const startOwn = async () => {
    const own = createLeader({ env, timers, directory: '/data', serverId: 'own' });
    const listener = await network.serve(addresses.grpcAddress, [
      createFollowService(own, { crc32c, timers }),
    ]);
    return async () => {
      await listener.close();
      await own.close();
    };
  };
  const speaks = async () => {
    const session = await leader.openSession(signal);
    const { follow } = session.volume(1, '');
    await session.close();
    return follow === undefined ? 'stock' : 'own';
  };
  return { leader, stockServer, startOwn, speaks };
}

test('a stock server is spoken to as one, and nothing of it breaks', async () => {
  const { leader, stockServer, speaks } = rig();
  await stockServer.start();
  expect(await leader.sweep(signal)).toEqual([]);
  expect(await speaks()).toBe('stock');
  stockServer.assertAlive();
  await stockServer.stop();
});

test("Holdfast's leader is spoken to by its own protocol", async () => {
  const { leader, startOwn, speaks } = rig();
  const stop = await startOwn();
  expect(await leader.sweep(signal)).toEqual([]);
  expect(await speaks()).toBe('own');
  await stop();
});

test('a server that comes in the place of another one is asked anew', async () => {
  const { stockServer, startOwn, speaks } = rig();
  await stockServer.start();
  expect(await speaks()).toBe('stock');
  await stockServer.stop();
  await expect(speaks()).rejects.toMatchObject({ code: 'unreachable' });
  const stop = await startOwn();
  expect(await speaks()).toBe('own');
  await stop();
  await stockServer.start();
  expect(await speaks()).toBe('stock');
  await stockServer.stop();
});
