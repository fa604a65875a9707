import { expect, it } from 'vitest';
import { createLeaderSource } from '../../src/index.js';
import { createClusterKit } from './cluster-kit.js';

it('follows the volumes that one server has, and those that it gets', async () => {
  const kit = await createClusterKit(1);
  const [server] = kit.servers;
  const first = server!.allocate(1);
  first.put(1n, new Uint8Array(100).fill(1));
  server!.allocate(2).put(2n, new Uint8Array(100).fill(2));
  const { servers } = await kit.source.list(new AbortController().signal);
  const [leader] = servers.values();
  const source = createLeaderSource({ leader: leader!, selects: ({ volumeId }) => volumeId !== 2 });

  const following = kit.follow({ source });
  await following.until(() => following.volumes.has('1'));
  const third = server!.allocate(3);
  third.put(3n, new Uint8Array(100).fill(3));
  await following.until(() => following.volumes.has('3'));
  for (const volume of [first, third]) kit.expectEqual(volume);
  expect([...following.volumes.keys()]).toEqual(['1', '3']);
  expect(following.volumes.get('3')!.report.server).toBe(leader!.address);
  await following.end();
});
