import type { Timers } from '@holdfast/format';
import { masterPb } from '@holdfast/protocol';
import { locationAddress, type ServerAddress } from '../address.js';
import { SeaweedError } from '../errors.js';
import type { MasterConnection } from '../master-link.js';

/** A master has taken a server in. */
export interface Registration {
  readonly master: ServerAddress;
  /** A volume that has grown to it is given no new files. */
  readonly volumeSizeLimitBytes: number;
}

export interface HeartbeatSession {
  readonly master: MasterConnection;
  /** The messages to send, until the signal aborts. */
  readonly beats: (signal: AbortSignal) => AsyncIterable<masterPb.Heartbeat>;
  readonly timers: Timers;
  /** The master takes the server in. */
  readonly onRegistered: (registration: Registration) => void;
}

/** How long the master is waited for in leaving. */
const LEAVE_TIMEOUT_MS = 2_000;

/**
 * Beats to one master. Resolves with the one that leads instead, or with nothing when `leaving` has aborted and the
 * master knows. Fails as its calls do, and with `SeaweedError` code `duplicate-directory`.
 */
export async function runHeartbeatSession(
  { master, beats, timers, onRegistered }: HeartbeatSession,
  leaving: AbortSignal,
): Promise<ServerAddress | undefined> {
  const { address, caller } = master;
  const { getMasterConfiguration, sendHeartbeat } = masterPb.Seaweed.method;
  const { leader } = await caller.unary(getMasterConfiguration, {}, { signal: leaving, detail: {} });
  const other = leaderBeside(address, leader);
  if (other) return other;

  const over = new AbortController();
  const call = new AbortController();
  const endSoon = () => {
    timers.sleep(LEAVE_TIMEOUT_MS, over.signal).then(
      () => call.abort(leaving.reason),
      () => undefined,
    );
  };
  leaving.addEventListener('abort', endSoon, { once: true, signal: over.signal });
  try {
    // The end of the requests is how a server leaves: the master answers it with the end of the stream.
    const requests = (signal: AbortSignal) => beats(AbortSignal.any([signal, leaving]));
    const answers = caller.exchange(sendHeartbeat, requests, { signal: call.signal, detail: {} });
    for await (const answer of answers) {
      if (answer.duplicatedUuids.length > 0) throw duplicateDirectory(address, answer.duplicatedUuids);
      const other = leaderBeside(address, answer.leader);
      if (other) return other;
      if (answer.volumeSizeLimit > 0n)
        onRegistered({ master: address, volumeSizeLimitBytes: Number(answer.volumeSizeLimit) });
    }
  } finally {
    over.abort();
  }
  if (leaving.aborted) return undefined;
  throw new SeaweedError('master-unreachable', `${address.grpcAddress} has ended the heartbeats`, {
    address: address.grpcAddress,
  });
}

function leaderBeside(own: ServerAddress, named: string): ServerAddress | undefined {
  if (named === '') return undefined;
  const address = locationAddress(named, 0);
  return address.grpcAddress === own.grpcAddress ? undefined : address;
}

function duplicateDirectory({ grpcAddress }: ServerAddress, uuids: readonly string[]): SeaweedError {
  return new SeaweedError(
    'duplicate-directory',
    `the master ${grpcAddress} knows the directory (vol_dir.uuid ${uuids.join(', ')}) from another volume server`,
    { address: grpcAddress },
  );
}
