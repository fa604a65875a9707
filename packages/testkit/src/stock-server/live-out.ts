import type { LifeOperation } from '../lives.js';
import type { StockAllocateOptions, StockServer } from './stock-server.js';

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
      volume.put(operation.needleId, operation.data);
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
