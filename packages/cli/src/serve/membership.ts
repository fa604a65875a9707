import { statfs } from 'node:fs/promises';
import { formatVolumeName } from '@holdfast/format';
import { type MasterNotices, type NeedleStore, type StoredVolume, volumeExpiry } from '@holdfast/leader';
import { type AnnouncedServer, createHeartbeat, type MasterClient } from '@holdfast/seaweedfs';
import { explainError, formatExplanation } from '../explain-error.js';
import type { VerbContext } from '../verb.js';
import type { ServeFlagValues } from './serve-flags.js';
import type { ServedCluster } from './served-cluster.js';
import { serverReport } from './server-report.js';

export interface MembershipOptions {
  readonly cluster: ServedCluster;
  readonly store: NeedleStore;
  readonly ip: string;
  readonly port: number;
  readonly grpcPort: number;
  readonly flags: ServeFlagValues;
}

/** A server's place in a cluster. */
export interface Membership {
  /** Rejects where the cluster will not have the server; else resolves with `leave`. */
  readonly ended: Promise<void>;
  /** Resolves when the master sends nobody here any more. Idempotent; never rejects. */
  leave(): Promise<void>;
}

/** A volume's greatest size until the master has told another. */
const VOLUME_SIZE_LIMIT_BYTES = 30 * 2 ** 30;

/** Registers, and tells the master of every change in the store. */
export function joinCluster(
  options: MembershipOptions,
  { env, timers, output, log }: VerbContext,
): Membership {
  const { cluster, store, ip, port, grpcPort, flags } = options;
  let volumeSizeLimitBytes = VOLUME_SIZE_LIMIT_BYTES;

  /** Those whose ttl has not passed. What has been over for long enough is removed on the way. */
  async function livingVolumes(): Promise<readonly StoredVolume[]> {
    const living: StoredVolume[] = [];
    for (const volume of store.list()) {
      const expiry = volumeExpiry(volume, env.clock.nowMs() / 1000);
      if (expiry === 'living') living.push(volume);
      if (expiry === 'removable') await removeExpired(volume);
    }
    return living;
  }

  async function removeExpired({ name }: StoredVolume): Promise<void> {
    const { volumeId, collection } = name;
    const text = `volume ${formatVolumeName(name)}`;
    try {
      await store.delete(volumeId);
      output.event(
        { event: 'expired', id: volumeId, collection },
        `${text}: its ttl has passed; it is removed`,
      );
    } catch (error) {
      log.warn({ err: error }, `${text}: its ttl has passed, and it cannot be removed`);
    }
  }

  const heartbeat = createHeartbeat({
    transport: cluster.transport,
    addresses: cluster.masters,
    timers,
    random: env.random,
    server: {
      ip,
      port,
      grpcPort,
      publicUrl: flags['public-url'] ?? '',
      dataCenter: flags['data-center'] ?? '',
      rack: flags.rack ?? '',
      directoryUuids: [store.uuid],
    },
    async report() {
      const { blocks, bavail, bsize } = await statfs(store.directory);
      const disk = { totalBytes: blocks * bsize, freeBytes: bavail * bsize };
      const { 'max-volumes': maxVolumes, 'min-free': minFreeBytes } = flags;
      return serverReport(await livingVolumes(), disk, { maxVolumes, minFreeBytes, volumeSizeLimitBytes });
    },
    onRegistered(registration) {
      ({ volumeSizeLimitBytes } = registration);
      const { httpAddress } = registration.master;
      output.event(
        { event: 'registered', master: httpAddress, volumeSizeLimitBytes },
        `registered with the master at ${httpAddress}`,
      );
    },
    onProblem(error) {
      const explanation = explainError(error);
      log.warn({ err: error, code: explanation.code }, formatExplanation(explanation));
    },
  });
  const leaving = new AbortController();
  const unlisten = store.onChange(heartbeat.beatNow);
  const ended = heartbeat.run(leaving.signal).finally(unlisten);
  ended.catch(() => undefined);
  return {
    ended,
    async leave() {
      leaving.abort();
      await ended.catch(() => undefined);
    },
  };
}

/** What calls of a volume server have to say to the master. */
export function masterNotices(
  master: Pick<MasterClient, 'markReadOnly' | 'ping'>,
  store: Pick<NeedleStore, 'find'>,
  server: Pick<AnnouncedServer, 'ip' | 'port'>,
): MasterNotices {
  return {
    async markReadOnly({ volumeId, collection }, isReadOnly, signal) {
      const volume = store.find(volumeId, collection);
      if (volume === undefined) return;
      const { version, superBlock } = volume;
      const { replicaPlacement, ttl } = superBlock;
      const marked = { volumeId, collection, version, replicaPlacement, ttl, isReadOnly };
      await master.markReadOnly(server, marked, signal);
    },
    ping: (address, signal) => master.ping(address, signal),
  };
}
