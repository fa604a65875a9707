import { defaultSyncPolicy, followVolumes } from '@holdfast/follower';
import { nativeCrc32c, systemTimers } from '@holdfast/format/node';
import { createHoldfastLeaderClient } from '@holdfast/protocol';
import { lockDirectory } from '@holdfast/store';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import type { FollowerLine } from './follower-child.js';

const [address, directory] = process.argv.slice(2);
if (address === undefined || directory === undefined) throw new TypeError('takes ADDRESS and DIR');

// The follower of the demo: a process of its own, so that it can be killed for real.
const ending = new AbortController();
process.once('SIGTERM', () => ending.abort());
process.once('disconnect', () => ending.abort());

const env = nodeStoreEnvironment();
const leader = createHoldfastLeaderClient({
  address,
  transport: createGrpcTransport(),
  crc32c: nativeCrc32c,
  timers: systemTimers,
});
const lock = await lockDirectory(env, directory);
try {
  await followVolumes({
    directory,
    env,
    timers: systemTimers,
    policy: defaultSyncPolicy,
    takeOver: false,
    assertLocked: () => lock.assertHeld(),
    onProgress: () => undefined,
    source: {
      selects: () => true,
      async list(signal) {
        const entries = await leader.sweep(signal);
        return {
          volumes: entries.map(({ volumeId, collection }) => ({
            volume: { volumeId, collection },
            locations: [{ server: 'demo', leader }],
            unsupported: undefined,
          })),
          servers: new Map([['demo', leader]]),
          clusterVolumeCount: entries.length,
        };
      },
    },
    intervalMs: 50,
    proveEveryMs: 60_000,
    signal: ending.signal,
    onVolume: ({ report }) => {
      const { outcome, revision, datSize, ok, error, bytesReceived } = report;
      send({ outcome, revision, datSize, ok, error, bytesReceived });
    },
    onLag: () => undefined,
    onVanished: () => undefined,
    onProblem: () => undefined,
  });
} finally {
  await lock.release();
}
process.disconnect?.();

function send(line: FollowerLine): void {
  process.send?.(line);
}
