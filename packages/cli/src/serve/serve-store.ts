import { resolve } from 'node:path';
import { formatVolumeName } from '@holdfast/format';
import { type NeedleStore, openNeedleStore } from '@holdfast/leader';
import { untilAborted } from '@holdfast/protocol';
import { serverHttpAddress } from '@holdfast/seaweedfs';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { explainError, formatExplanation } from '../explain-error.js';
import type { VerbContext } from '../verb.js';
import { startDataServer } from './data-server.js';
import { joinCluster, masterNotices } from './membership.js';
import { startRpcServer } from './rpc-server.js';
import { grpcPortOf, type ServeFlagValues } from './serve-flags.js';
import type { ServeSecurity } from './serve-security.js';
import { openServedCluster } from './served-cluster.js';

/** Serves a directory that this process alone writes: data API and RPC, in a cluster where masters are named. */
export async function serveStore(
  flags: ServeFlagValues,
  security: ServeSecurity,
  context: VerbContext,
): Promise<ExitCode> {
  const { output, signal } = context;
  const { ip } = flags;
  const host = flags['ip-bind'] ?? ip;
  const transport = createGrpcTransport({ ...(security.grpcClient && { tls: security.grpcClient }) });
  const cluster = flags.master && openServedCluster(flags.master, transport, security, context);
  const closers: (() => Promise<unknown>)[] = [];
  const closing = <T extends { close(): Promise<void> }>(opened: T): T => {
    closers.unshift(() => opened.close());
    return opened;
  };
  try {
    const store = closing(await openStore(flags, context));
    if (cluster) closing(cluster);
    const peersAt = (port: number) => cluster?.peersOf(serverHttpAddress({ ip, port }));
    const data = closing(await startDataServer({ host, store, peersAt, flags, security }, context));
    const own = { ip, port: data.port };
    const address = serverHttpAddress(own);
    const master = cluster && masterNotices(cluster.master, store, own);
    const listen = { host, port: grpcPortOf(flags, data.port) };
    const rpc = closing(
      await startRpcServer({ listen, store, transport, address, master, flags, security }, context),
    );
    const volumes = store.list().length;
    output.event(
      { event: 'listening', address, grpcPort: rpc.port, volumes },
      `serving ${volumes} volumes of ${store.directory} at ${address}, gRPC at port ${rpc.port}; Ctrl-C ends it`,
    );
    const membership = cluster && joinCluster({ cluster, store, ...own, grpcPort: rpc.port, flags }, context);
    // The first to close: nobody is sent here any more while what is under way is answered.
    if (membership) closers.unshift(membership.leave);
    await Promise.race([untilAborted(signal), ...(membership ? [membership.ended] : [])]);
  } finally {
    await closeAll(closers);
  }
  output.summary({ ok: true }, 'ended');
  return exitCodes.done;
}

function openStore(flags: ServeFlagValues, { env, timers, log }: VerbContext): Promise<NeedleStore> {
  return openNeedleStore({
    env,
    timers,
    directory: resolve(flags.dir),
    onUnopened(name, error) {
      const why = formatExplanation(explainError(error));
      log.error({ err: error }, `volume ${formatVolumeName(name)} is not served: ${why}`);
    },
  });
}

/** Each of them, in order, whatever becomes of the others; fails as the first that failed. */
async function closeAll(closers: readonly (() => Promise<unknown>)[]): Promise<void> {
  const failures: unknown[] = [];
  for (const close of closers) await close().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
