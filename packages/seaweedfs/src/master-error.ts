import { LeaderError, RpcError } from '@holdfast/protocol';
import { SeaweedError } from './errors.js';

/** A failure at an HTTP page or an RPC of a master, told as a master's. */
export function masterError(error: unknown, address: string): unknown {
  if (!(error instanceof LeaderError)) return error;
  const detail = { address, cause: error };
  if (error.cause instanceof RpcError && error.cause.code === 'unimplemented')
    return new SeaweedError(
      'bad-answer',
      `${address} is no SeaweedFS master: ${error.cause.message}`,
      detail,
    );
  switch (error.code) {
    case 'unreachable':
      return new SeaweedError('master-unreachable', error.message, detail);
    case 'not-permitted':
      return new SeaweedError('not-permitted', error.message, detail);
    case 'bad-answer':
      return new SeaweedError('bad-answer', error.message, detail);
    default:
      return new SeaweedError('refused', error.message, detail);
  }
}
