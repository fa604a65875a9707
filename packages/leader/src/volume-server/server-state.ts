import { create, fromBinary, RpcError, toBinary, volumeServerPb } from '@holdfast/protocol';
import { readWhole, replaceFile, type StoreEnvironment } from '@holdfast/store';
import { createMutex } from '../mutex.js';

const MAX_FILE_BYTES = 1 << 10;

/** Whether the server is in maintenance, in which it refuses calls that change volumes. Kept over restarts. */
export interface ServerState {
  readonly isMaintenance: boolean;
  /** Counts the changes. */
  readonly version: number;
  /** Durably. Fails with `aborted` where `version` is not the present one: somebody else has changed it. */
  change(next: { readonly isMaintenance: boolean; readonly version: number }): Promise<void>;
}

/** The state in `DIR/state.pb`, the file of SeaweedFS. */
export async function openServerState(env: StoreEnvironment, directory: string): Promise<ServerState> {
  const path = `${directory}/state.pb`;
  const mutex = createMutex();
  const bytes = (await readWhole(env.disk, path, MAX_FILE_BYTES)) ?? new Uint8Array(0);
  let { maintenance, version } = fromBinary(volumeServerPb.VolumeServerStateSchema, bytes);
  return {
    get isMaintenance() {
      return maintenance;
    },
    get version() {
      return version;
    },
    change: (next) =>
      mutex.run(async () => {
        if (next.version !== version) {
          const text = `version mismatch for VolumeServerState (got ${version}, want ${next.version})`;
          throw new RpcError('unknown', text);
        }
        if (next.isMaintenance === maintenance) return;
        const changed = create(volumeServerPb.VolumeServerStateSchema, {
          maintenance: next.isMaintenance,
          version: version + 1,
        });
        await replaceFile(env.disk, path, toBinary(volumeServerPb.VolumeServerStateSchema, changed));
        ({ maintenance, version } = changed);
      }),
  };
}
