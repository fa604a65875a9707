import { pauseAfter, type Random, type RetryPace, type Timers } from '@holdfast/format';
import type { RpcTransport } from '@holdfast/protocol';
import { parseServerAddress, type ServerAddress } from '../address.js';
import { SeaweedError } from '../errors.js';
import { defaultSeaweedLimits, type SeaweedLimits } from '../limits.js';
import { masterError } from '../master-error.js';
import { createMasterLink } from '../master-link.js';
import type { AnnouncedServer, ServerReport } from './announced-server.js';
import { createBell } from './bell.js';
import { heartbeatMessage } from './heartbeat-message.js';
import { type Registration, runHeartbeatSession } from './heartbeat-session.js';

export interface HeartbeatOptions {
  readonly transport: RpcTransport;
  /** Of the masters, at least one: `host:port` or `host:port.grpcPort`. The one that leads is found and followed. */
  readonly addresses: readonly string[];
  readonly timers: Timers;
  readonly random: Random;
  readonly limits?: Partial<SeaweedLimits>;
  readonly server: AnnouncedServer;
  /** Asked for each beat. Where it fails, the connection ends as if it had broken. */
  readonly report: () => Promise<ServerReport>;
  /** Default 5 s, a volume server's pulse. */
  readonly intervalMs?: number;
  /** A master has taken the server in: once for each connection. */
  readonly onRegistered?: (registration: Registration) => void;
  /** A connection that came to nothing or broke; the next one is tried without being told. */
  readonly onProblem?: (error: unknown) => void;
}

/** What keeps a volume server known to the masters of a cluster. */
export interface Heartbeat {
  /** Tells the master at once what there is: something has changed. Calls that come together are one beat. */
  beatNow(): void;
  /**
   * Registers and beats until the signal aborts; then resolves when the master knows that the server has gone. A
   * broken connection is made again for ever. Rejects with `SeaweedError` code `duplicate-directory` alone.
   */
  run(signal: AbortSignal): Promise<void>;
}

const INTERVAL_MS = 5_000;
const LEAST_INTERVAL_MS = 100;
const PACE: RetryPace = { firstPauseMs: 500, greatestPauseMs: 10_000 };
/** Without a pause: masters may point to each other while they vote. */
const REDIRECTIONS_AT_ONCE = 2;
/** Refusals in a row: a server that has just died is registered until its master notices. */
const DUPLICATES_BORNE = 5;

/** Throws `SeaweedError` code `bad-address`, and `RangeError` without any address. */
export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { transport, timers, random, server, intervalMs = INTERVAL_MS, onProblem } = options;
  const limits: SeaweedLimits = { ...defaultSeaweedLimits, ...options.limits };
  const addresses = options.addresses.map(parseServerAddress);
  if (addresses.length === 0) throw new RangeError('a heartbeat needs the address of a master');
  const link = createMasterLink({ transport, addresses, timers, limits });
  const bell = createBell(timers);

  async function* beats(signal: AbortSignal) {
    while (!signal.aborted) {
      yield heartbeatMessage(server, await options.report());
      await timers.sleep(LEAST_INTERVAL_MS, signal).catch(() => undefined);
      await bell.wait(intervalMs - LEAST_INTERVAL_MS, signal);
    }
  }

  async function beatAt(
    address: ServerAddress,
    onRegistered: (registration: Registration) => void,
    signal: AbortSignal,
  ): Promise<ServerAddress | undefined> {
    const master = await link.connect(address, signal);
    try {
      return await runHeartbeatSession({ master, beats, timers, onRegistered }, signal);
    } finally {
      await master.connection.close();
    }
  }

  async function run(signal: AbortSignal): Promise<void> {
    let next: ServerAddress | undefined;
    let failures = 0;
    let duplicates = 0;
    const onRegistered = (registration: Registration): void => {
      failures = 0;
      duplicates = 0;
      options.onRegistered?.(registration);
    };
    for (let attempt = 0; !signal.aborted; attempt++) {
      const address = next ?? addresses[attempt % addresses.length]!;
      next = undefined;
      try {
        next = await beatAt(address, onRegistered, signal);
      } catch (cause) {
        if (signal.aborted) return;
        const error = masterError(cause, address.grpcAddress);
        if (isDuplicate(error) && ++duplicates > DUPLICATES_BORNE) throw error;
        onProblem?.(error);
      }
      failures++;
      if (next === undefined || failures > REDIRECTIONS_AT_ONCE)
        await pauseAfter(failures, PACE, timers, random, signal).catch(() => undefined);
    }
  }

  return { beatNow: bell.ring, run };
}

function isDuplicate(error: unknown): boolean {
  return error instanceof SeaweedError && error.code === 'duplicate-directory';
}
