import type { MasterClient, VolumeLocation } from '@holdfast/seaweedfs';

/** Asks where a volume is. */
export type VolumeLookup = (volumeId: number) => Promise<readonly VolumeLocation[]>;

/** Volume ids in one question to the master. */
const MAX_BATCH = 1_000;

/**
 * One question at a time: those who come meanwhile ask together next. So nobody who asks for many volumes, there or not,
 * makes more than one connection to the master.
 */
export function batchLookups(lookup: MasterClient['lookup']): VolumeLookup {
  const never = new AbortController().signal;
  const waiting: { readonly volumeId: number; readonly settle: (found: ReturnType<VolumeLookup>) => void }[] =
    [];
  let isAsking = false;

  async function ask(): Promise<void> {
    isAsking = true;
    while (waiting.length > 0) {
      const batch = waiting.splice(0, MAX_BATCH);
      const answer = lookup([...new Set(batch.map(({ volumeId }) => volumeId))], never);
      for (const { volumeId, settle } of batch) settle(answer.then((found) => found.get(volumeId) ?? []));
      await answer.catch(() => undefined);
    }
    isAsking = false;
  }

  return (volumeId) =>
    new Promise((settle) => {
      waiting.push({ volumeId, settle });
      if (!isAsking) void ask();
    });
}
