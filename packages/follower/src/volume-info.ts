import { EMPTY_VOLUME_INFO, writeVolumeInfo } from '@holdfast/format';
import type { LeaderStatus } from '@holdfast/protocol';
import type { BuildTarget } from '@holdfast/store';

/** The `.vif` of a copy: what the leader says, never with remote files. */
export function leaderVolumeInfo(target: BuildTarget, status: LeaderStatus): string {
  return writeVolumeInfo({
    ...EMPTY_VOLUME_INFO,
    version: target.version,
    replication: status.replication,
    offsetWidthBytes: target.offsetWidthBytes,
    readOnly: status.readOnly,
  });
}
