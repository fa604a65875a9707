import type { RpcCode } from './rpc-error.js';

/** The numbers that gRPC gives its status codes on the wire; 0 is success and no `RpcCode`. */
const numberByCode: Readonly<Record<RpcCode, number>> = {
  canceled: 1,
  unknown: 2,
  'invalid-argument': 3,
  'deadline-exceeded': 4,
  'not-found': 5,
  'already-exists': 6,
  'permission-denied': 7,
  'resource-exhausted': 8,
  'failed-precondition': 9,
  aborted: 10,
  'out-of-range': 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  'data-loss': 15,
  unauthenticated: 16,
};

/** Every code, in the order of its number. */
export const rpcCodes = Object.keys(numberByCode) as readonly RpcCode[];

export function grpcStatusOfCode(code: RpcCode): number {
  return numberByCode[code];
}

/** `unknown` for a number that gRPC does not define, and for 0, which is no failure. */
export function codeOfGrpcStatus(status: number): RpcCode {
  return rpcCodes[status - 1] ?? 'unknown';
}
