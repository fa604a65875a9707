import type { Timers } from '@holdfast/format';
import { LeaderError, masterPb, type RpcConnection, type RpcTransport } from '@holdfast/protocol';
import { locationAddress, type ServerAddress } from './address.js';
import { SeaweedError } from './errors.js';
import type { SeaweedLimits } from './limits.js';
import { linkAbort } from './linked-abort.js';
import { masterError } from './master-error.js';
import { createStockCaller, type StockCaller } from './stock-caller.js';
import { translateError } from './translate-error.js';

/** A connection to one master for the time of one task. */
export interface MasterConnection {
  readonly address: ServerAddress;
  readonly caller: StockCaller;
  readonly connection: RpcConnection;
}

export interface MasterLinkOptions {
  readonly transport: RpcTransport;
  readonly addresses: readonly ServerAddress[];
  readonly timers: Timers;
  readonly limits: SeaweedLimits;
}

/** Finds the master that leads, and remembers it. */
export interface MasterLink {
  /** Runs `task` on the leader. Every failure is a `SeaweedError`; a master that is gone passes it to the next. */
  onLeader<T>(task: (master: MasterConnection) => Promise<T>, signal: AbortSignal): Promise<T>;
  /** The caller closes its `connection`. */
  connect(address: ServerAddress, signal: AbortSignal): Promise<MasterConnection>;
}

/** The first message of the location stream names the leader, whoever sends it (protocol.md §2). */
const CLIENT_TYPE = 'holdfast';
/** Masters elect one of a handful: a longer way from one to the next leads nowhere. */
const LEADERS_NAMED_MAX = 8;

export function createMasterLink({ transport, addresses, timers, limits }: MasterLinkOptions): MasterLink {
  let leader: ServerAddress | undefined;

  const connect = async (address: ServerAddress, signal: AbortSignal): Promise<MasterConnection> => {
    const { grpcAddress } = address;
    try {
      const connection = await transport.connect(grpcAddress, { signal, timeoutMs: limits.connectTimeoutMs });
      return {
        address,
        connection,
        caller: createStockCaller({ connection, address: grpcAddress, timers, limits }),
      };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw masterError(translateError(error, { address: grpcAddress }), grpcAddress);
    }
  };

  /** `undefined`: this one leads. The stream itself has no deadline, since a watch waits on it for ever. */
  const leaderBeside = async (
    master: MasterConnection,
    signal: AbortSignal,
  ): Promise<ServerAddress | undefined> => {
    const { grpcAddress } = master.address;
    const { unaryTimeoutMs } = limits;
    const deadline = linkAbort(signal);
    timers.sleep(unaryTimeoutMs, deadline.signal).then(
      () => {
        const text = `${grpcAddress} has not said who leads in ${unaryTimeoutMs} ms`;
        deadline.abort(new LeaderError('unreachable', text, { address: grpcAddress }));
      },
      () => undefined,
    );
    try {
      for await (const { volumeLocation } of keepConnected(master, deadline.signal)) {
        const named = volumeLocation?.leader ?? '';
        if (named === '') continue;
        const address = locationAddress(named, 0);
        return address.grpcAddress === grpcAddress ? undefined : address;
      }
    } finally {
      deadline.end();
    }
    throw new SeaweedError('master-unreachable', `${grpcAddress} knows no leader`);
  };

  return {
    connect,
    async onLeader(task, signal) {
      const candidates = leader ? [leader, ...addresses] : [...addresses];
      const asked = new Set<string>();
      let leadersNamed = 0;
      let failure: unknown;
      for (let address = candidates.shift(); address; address = candidates.shift()) {
        if (asked.has(address.grpcAddress)) continue;
        asked.add(address.grpcAddress);
        let master: MasterConnection | undefined;
        try {
          master = await connect(address, signal);
          // One that led a moment ago is believed; another answers lookups too, out of what it has heard.
          const other = address === leader ? undefined : await leaderBeside(master, signal);
          if (other) {
            leadersNamed += 1;
            if (leadersNamed > LEADERS_NAMED_MAX)
              throw new SeaweedError(
                'bad-answer',
                `${address.grpcAddress} names one more leader, ${other.grpcAddress}`,
              );
            candidates.unshift(other);
            continue;
          }
          const result = await task(master);
          leader = address;
          return result;
        } catch (error) {
          if (signal.aborted) throw signal.reason;
          failure = masterError(error, address.grpcAddress);
          if (!(failure instanceof SeaweedError) || failure.code !== 'master-unreachable') throw failure;
        } finally {
          await master?.connection.close();
        }
      }
      leader = undefined;
      throw failure ?? new SeaweedError('master-unreachable', 'no master says that it leads');
    },
  };
}

/** The location stream. The request side stays open for as long as it is read. */
export async function* keepConnected(
  master: MasterConnection,
  signal: AbortSignal,
): AsyncGenerator<masterPb.KeepConnectedResponse, void> {
  yield* master.caller.stream(
    masterPb.Seaweed.method.keepConnected,
    { clientType: CLIENT_TYPE },
    { signal, detail: {}, staysOpen: true },
  );
}
