import { type LeaderClient, LeaderError, type LeaderSession, RpcError } from '@holdfast/protocol';

/** The two ways to speak to one server. */
export interface LeaderWays {
  /** `holdfast.v1`. */
  readonly own: LeaderClient;
  /** The calls of a stock SeaweedFS. */
  readonly stock: LeaderClient;
}

/**
 * A server by `holdfast.v1` where it speaks that, else as a stock SeaweedFS. It is asked when it is first spoken to, and
 * again after it could not be reached: another server may have come in its place.
 */
export function detectLeader({ own, stock }: LeaderWays): LeaderClient {
  let known: LeaderClient | undefined;

  async function openSession(signal: AbortSignal): Promise<LeaderSession> {
    try {
      if (known === stock) return await stock.openSession(signal);
      const session = await own.openSession(signal);
      known = own;
      return session;
    } catch (error) {
      if (isUnknownService(error)) {
        known = stock;
        return await stock.openSession(signal);
      }
      if (error instanceof LeaderError && error.code === 'unreachable') known = undefined;
      throw error;
    }
  }

  return {
    address: stock.address,
    openSession,
    async sweep(signal) {
      if (known === undefined) await (await openSession(signal)).close();
      return await (known ?? stock).sweep(signal);
    },
  };
}

function isUnknownService(error: unknown): boolean {
  return (
    error instanceof LeaderError && error.cause instanceof RpcError && error.cause.code === 'unimplemented'
  );
}
