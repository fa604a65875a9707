import { EMPTY_VOLUME_INFO, FormatError, parseVolumeInfo, type VolumeInfo } from '@holdfast/format';
import type { Disk } from '../disk.js';
import { isStoreError } from '../errors.js';
import { readWhole } from '../generation/small-file.js';

const MAX_VIF_BYTES = 1 << 20;

export interface VolumeInfoFile {
  readonly info: VolumeInfo;
  /** `unreadable`: the defaults hold, as in a server, and the file is left as it is (format.md §6). */
  readonly state: 'read' | 'absent' | 'unreadable';
}

/** Reads a `.vif`; whatever is in it, a volume can be opened. */
export async function readVolumeInfoFile(disk: Disk, path: string): Promise<VolumeInfoFile> {
  try {
    const bytes = await readWhole(disk, path, MAX_VIF_BYTES);
    if (bytes === undefined) return { info: EMPTY_VOLUME_INFO, state: 'absent' };
    return { info: parseVolumeInfo(new TextDecoder().decode(bytes)), state: 'read' };
  } catch (error) {
    if (!(error instanceof FormatError) && !isStoreError(error, 'too-large')) throw error;
    return { info: EMPTY_VOLUME_INFO, state: 'unreadable' };
  }
}
