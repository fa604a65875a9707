import type { Timers, VolumeName } from '@holdfast/format';
import type { RpcHandlers, RpcTransport, volumeServerPb } from '@holdfast/protocol';
import type { StoreEnvironment } from '@holdfast/store';
import type { NeedleStore } from '../needles/needle-store.js';
import type { VolumeServerLimits } from './limits.js';
import type { ServerState } from './server-state.js';

/** The master, as far as calls of a volume server speak to it. */
export interface MasterNotices {
  /** Tells whether writes may be sent here. Fails where the master cannot be told; the call that asked for it then fails too. */
  markReadOnly(volume: VolumeName, isReadOnly: boolean, signal: AbortSignal): Promise<void>;
  /** When it answered by its own clock, in Unix nanoseconds; `undefined` for an address that is no known master's. */
  ping(address: string, signal: AbortSignal): Promise<bigint | undefined>;
}

export interface VolumeServerServiceOptions {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly store: NeedleStore;
  readonly state: ServerState;
  /** How other volume servers are reached, for `VolumeCopy` and `VolumeTailReceiver`. */
  readonly transport: RpcTransport;
  /** `host:port`, as the server is known to others. */
  readonly address: string;
  /** Default: there is none. */
  readonly master?: MasterNotices;
  /** `AllocateVolume` and `VolumeCopy` make no more. Default: as many as the disk holds. */
  readonly maxVolumes?: number;
  /** Default `""`, which is `hdd`. */
  readonly diskType?: string;
  /** Default `""`. */
  readonly dataCenter?: string;
  readonly rack?: string;
  /** What `VolumeServerStatus` says behind the size limit. Default `holdfast`. */
  readonly version?: string;
  readonly limits?: Partial<VolumeServerLimits>;
}

/** The options with their defaults: what every group of calls works with. */
export interface VolumeServer extends VolumeServerServiceOptions {
  readonly limits: VolumeServerLimits;
}

export type VolumeServerHandlers = RpcHandlers<typeof volumeServerPb.VolumeServer>;
