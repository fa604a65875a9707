import type { LifeOperation } from '../lives.js';
import type { StockAllocateOptions, StockServer } from './stock-server.js';
import type { StockVolume } from './stock-volume.js';

/** Lets one operation of a life happen to a volume of a simulated server. A `sync` is the caller's affair. */
export async function liveOut(
  server: StockServer,
  volumeId: number,
  operation: LifeOperation,
  allocate: StockAllocateOptions = {},
): Promise<void> {
  const volume = server.volumes.get(volumeId) ?? server.allocate(volumeId, allocate);
  switch (operation.kind) {
    case 'put':
      putOrRefuse(volume, operation.needleId, operation.data);
      return;
    case 'delete':
      volume.delete(operation.needleId);
      return;
    case 'compact':
      volume.compact();
      return;
    case 'commit':
      volume.commit();
      volume.cleanup();
      return;
    case 'restart':
      await server.restart();
      return;
    case 'remake':
      server.deleteVolume(volumeId);
      server.allocate(volumeId, allocate);
      return;
    case 'sync':
  }
}

/**
 * An empty needle written during a compaction comes out of it with the cookie of the commit's own tombstones, and
 * from then on its writer is refused: that too is a life of the real server.
 */
function putOrRefuse(volume: StockVolume, needleId: bigint, data: Uint8Array): void {
  try {
    volume.put(needleId, data);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('mismatching cookie'))) throw error;
  }
}
