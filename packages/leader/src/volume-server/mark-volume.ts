import type { StoredVolume } from '../needles/stored-volume.js';
import type { VolumeServer } from './volume-server.js';

/**
 * Marks a volume here and with the master: before, so that no more writes are sent, and after, because a heartbeat in
 * between may have told it the former state.
 */
export async function markVolume(
  { master }: VolumeServer,
  volume: StoredVolume,
  isReadOnly: boolean,
  options: { readonly persist: boolean; readonly canDelete: boolean },
  signal: AbortSignal,
): Promise<void> {
  await master?.markReadOnly(volume.name, isReadOnly, signal);
  await volume.markReadOnly(isReadOnly, options);
  await master?.markReadOnly(volume.name, isReadOnly, signal);
}
