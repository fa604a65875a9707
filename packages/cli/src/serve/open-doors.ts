import { UsageError } from '../usage-error.js';
import type { ServeFlagValues } from './serve-flags.js';
import type { ServeSecurity } from './serve-security.js';

const ANY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];
const LOOPBACK = /^(127\.|::1$|localhost$)/;

/** Flags that do not go together. Fails with `UsageError`. */
export function assertServable(flags: ServeFlagValues): void {
  if (flags.master === undefined) return;
  if (flags['read-only'])
    throw new UsageError('a master sends clients that write: give either --master or --read-only');
  if (ANY_ADDRESS.includes(flags.ip))
    throw new UsageError(
      `a master sends nobody to ${flags.ip}: give --ip its address, and --ip-bind ${flags.ip}`,
    );
}

/** By what those who reach the server from other machines can change volumes, though nothing was said of them. */
export function openDoors(flags: ServeFlagValues, security: ServeSecurity): readonly ('HTTP' | 'gRPC')[] {
  const { whiteList, writeKeys, grpcServer, httpServer } = security;
  if (flags['read-only'] || whiteList !== undefined || LOOPBACK.test(flags['ip-bind'] ?? flags.ip)) return [];
  return [
    ...(writeKeys === undefined && httpServer?.clientCa === undefined ? (['HTTP'] as const) : []),
    ...(grpcServer?.clientCa === undefined ? (['gRPC'] as const) : []),
  ];
}
