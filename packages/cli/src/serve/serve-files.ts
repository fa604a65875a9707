import { resolve } from 'node:path';
import { createLeader, guardService } from '@holdfast/leader';
import { createFollowService, untilAborted } from '@holdfast/protocol';
import { type ExitCode, exitCodes } from '../exit-code.js';
import type { VerbContext } from '../verb.js';
import { listenRpc } from './listen-rpc.js';
import { grpcPortOf, type ServeFlagValues } from './serve-flags.js';
import type { ServeSecurity } from './serve-security.js';

/** Serves files as they are, whoever writes them, for following alone. */
export async function serveFiles(
  flags: ServeFlagValues,
  security: ServeSecurity,
  { env, timers, output, signal }: VerbContext,
): Promise<ExitCode> {
  const directory = resolve(flags.dir);
  const leader = createLeader({ env, timers, directory, serverId: '' });
  try {
    const volumes = await leader.sweep(signal);
    const service = guardService(createFollowService(leader, { crc32c: env.crc32c, timers }), security);
    const listen = { host: flags['ip-bind'] ?? flags.ip, port: grpcPortOf(flags) };
    const listener = await listenRpc(flags.transport, listen, security.grpcServer, [service]);
    try {
      const { address } = listener;
      output.event(
        { event: 'listening', address, volumes: volumes.length },
        `serving ${volumes.length} volumes of ${directory} at ${address}, read-only; Ctrl-C ends it`,
      );
      await untilAborted(signal);
    } finally {
      await listener.close();
    }
    output.summary({ ok: true, address: listener.address }, 'ended');
    return exitCodes.done;
  } finally {
    await leader.close();
  }
}
