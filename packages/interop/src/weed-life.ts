import type { LifeOperation } from '@holdfast/testkit';
import type { WeedVolumeServer } from './weed-volume-server.js';

export interface LiveOutOptions {
  /** Whether a write comes as one that another copy's server passes on. Default false. */
  readonly isReplica?: boolean;
}

/** Lets one operation of a seeded life happen to a volume of a real server. A `sync` is the caller's affair. */
export async function liveOutOnWeed(
  server: WeedVolumeServer,
  volumeId: number,
  operation: LifeOperation,
  { isReplica = false }: LiveOutOptions = {},
): Promise<void> {
  const options = isReplica ? { query: { type: 'replicate' } } : {};
  switch (operation.kind) {
    case 'put': {
      const response = await server.put(volumeId, operation.needleId, operation.data, options);
      if (!response.ok) {
        const text = await response.text();
        // After a commit with an empty needle written during it the server refuses the needle's own cookie.
        if (!text.includes('mismatching cookie')) throw new Error(`put: HTTP ${response.status} ${text}`);
      }
      return;
    }
    case 'delete': {
      const response = await server.delete(volumeId, operation.needleId, options);
      if (!response.ok && ![400, 404].includes(response.status)) {
        throw new Error(`delete: HTTP ${response.status} ${await response.text()}`);
      }
      return;
    }
    case 'compact':
      await server.compact(volumeId);
      return;
    case 'commit':
      await server.commit(volumeId);
      await server.cleanup(volumeId);
      return;
    case 'restart':
      await server.stop();
      await server.start();
      return;
    case 'remake':
      await server.deleteVolume(volumeId);
      await server.allocate(volumeId);
      return;
    case 'sync':
  }
}
