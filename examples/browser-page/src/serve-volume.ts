import { nativeCrc32c as crc32c, systemTimers as timers } from '@holdfast/format/node';
import { createLeader, openNeedleStore, type StoredVolume } from '@holdfast/leader';
import { createFollowService } from '@holdfast/protocol';
import { nodeStoreEnvironment } from '@holdfast/store/node';
import { createConnectTransport } from '@holdfast/transport-connect';

export interface ServeVolumeOptions {
  readonly directory: string;
  readonly volumeId: number;
  /** `host:port` to listen on; port 0 takes a free one. */
  readonly address: string;
  /** The origin of the page that may follow. */
  readonly pageOrigin: string;
}

export interface ServedVolume {
  readonly volume: StoredVolume;
  /** For the page. */
  readonly url: string;
  close(): Promise<void>;
}

/** A leader of one volume, on a port that the page may call. */
export async function serveVolume(options: ServeVolumeOptions): Promise<ServedVolume> {
  const { directory, volumeId, address, pageOrigin } = options;
  const env = nodeStoreEnvironment();
  const store = await openNeedleStore({ env, timers, directory });
  const volume = store.find(volumeId) ?? (await store.allocate({ volumeId, collection: '' }));
  const leader = createLeader({ env, timers, store, serverId: '' });
  const transport = createConnectTransport({ allowedOrigins: [pageOrigin] });
  const listener = await transport.serve(address, [createFollowService(leader, { crc32c, timers })]);
  return {
    volume,
    url: `http://${listener.address}`,
    async close() {
      await listener.close();
      await leader.close();
      await store.close();
    },
  };
}
