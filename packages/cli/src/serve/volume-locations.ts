import type { Clock } from '@holdfast/format';
import type { VolumeLocation } from '@holdfast/seaweedfs';
import type { VolumeLookup } from './lookup-batches.js';

export interface VolumeLocationsOptions {
  readonly lookUp: VolumeLookup;
  readonly clock: Clock;
  /** Of this server, which is in no answer. `host:port`. */
  readonly ownHttpAddress: string;
}

/** Where volumes are beside here, as the master says, believed for a while. */
export interface VolumeLocations {
  /** Fails as the lookup. The signal ends the waiting alone: others may wait for the same. */
  find(volumeId: number, signal: AbortSignal): Promise<readonly VolumeLocation[]>;
  /** What is known of a server that did not answer is not believed any more. */
  forgetServer(httpAddress: string): void;
}

interface Known {
  readonly untilMs: number;
  readonly servers: readonly VolumeLocation[];
}

/** A copy that has moved is looked for in vain for so long at most. */
const BELIEVED_MS = 10_000;
/** Of volumes that are nowhere else. */
const ABSENCE_BELIEVED_MS = 1_000;
/** Whoever asks for volumes that there are not takes no more memory than this. */
const MAX_KNOWN = 10_000;

export function createVolumeLocations(options: VolumeLocationsOptions): VolumeLocations {
  const { lookUp, clock, ownHttpAddress } = options;
  const known = new Map<number, Known>();
  const asking = new Map<number, Promise<readonly VolumeLocation[]>>();

  async function ask(volumeId: number): Promise<readonly VolumeLocation[]> {
    try {
      const found = await lookUp(volumeId);
      const servers = found.filter(({ httpAddress }) => httpAddress !== ownHttpAddress);
      if (known.size >= MAX_KNOWN) known.clear();
      const believedMs = servers.length > 0 ? BELIEVED_MS : ABSENCE_BELIEVED_MS;
      known.set(volumeId, { untilMs: clock.monotonicMs() + believedMs, servers });
      return servers;
    } finally {
      asking.delete(volumeId);
    }
  }

  return {
    async find(volumeId, signal) {
      const entry = known.get(volumeId);
      if (entry !== undefined && clock.monotonicMs() < entry.untilMs) return entry.servers;
      const answer = asking.get(volumeId) ?? ask(volumeId);
      asking.set(volumeId, answer);
      return unlessAborted(answer, signal);
    },
    forgetServer(httpAddress) {
      for (const [volumeId, { servers }] of known)
        if (servers.some((server) => server.httpAddress === httpAddress)) known.delete(volumeId);
    },
  };
}

function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
