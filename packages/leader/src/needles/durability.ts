import type { Timers } from '@holdfast/format';
import type { Volume } from '@holdfast/store';

/** What nobody waits for is durable, and seen by followers, not much later. */
const SYNC_SOON_MS = 100;

/** When what was written to a volume becomes durable, and who is told. */
export interface Durability {
  sync(): Promise<void>;
  syncSoon(): void;
  /** No sync is made any more but those that somebody waits for. */
  end(): Promise<void>;
}

/** `onDurable` is called once for each sync that made something durable. */
export function createDurability(
  timers: Timers,
  presentVolume: () => Volume,
  onDurable: () => void,
): Durability {
  const ending = new AbortController();
  let told: unknown;
  let soon: Promise<void> | undefined;

  async function sync(): Promise<void> {
    const volume = presentVolume();
    await volume.sync();
    const { durableDatSizeBytes } = volume.stats();
    if (durableDatSizeBytes === told) return;
    told = durableDatSizeBytes;
    onDurable();
  }

  return {
    sync,
    syncSoon() {
      if (ending.signal.aborted) return;
      soon ??= timers
        .sleep(SYNC_SOON_MS, ending.signal)
        .then(() => {
          soon = undefined;
          return sync();
        })
        // Its failure is the volume's: the next write is refused with it.
        .catch(() => {});
    },
    async end() {
      ending.abort();
      await soon;
    },
  };
}
