import type { Clock } from '@holdfast/format';
import { type LeaderClient, LeaderError, type LeaderSession } from '@holdfast/protocol';
import { type Interposition, interposeVolume } from './interpose.js';

/** A session that nobody uses is kept for so long. */
const IDLE_MS = 30_000;

/** Sessions that serve one turn after another: a connection a proof costs more than the proof. */
export interface SessionPool {
  /** The leader, whose sessions are taken from the pool and go back to it. Never is one in two hands at once. */
  reuse(leader: LeaderClient): LeaderClient;
  /** Closes what nobody has used for a while. */
  review(): Promise<void>;
  /** Closes what nobody uses; what is in use is closed when it comes back. */
  close(): Promise<void>;
}

interface IdleSession {
  readonly session: LeaderSession;
  readonly sinceMs: number;
}

export function createSessionPool(clock: Clock): SessionPool {
  const idle = new Map<string, IdleSession[]>();
  let isClosed = false;

  function lend(address: string, session: LeaderSession): LeaderSession {
    let isBroken = false;
    let isReturned = false;
    const noteBreak = (error: unknown): never => {
      if (error instanceof LeaderError && error.code === 'unreachable') isBroken = true;
      throw error;
    };
    const by: Interposition = {
      answer: (call) => call().catch(noteBreak),
      async *stream(items) {
        try {
          yield* items;
        } catch (error) {
          noteBreak(error);
        }
      },
    };
    return {
      serverId: session.serverId,
      volume: (volumeId, collection) => interposeVolume(session.volume(volumeId, collection), by),
      async close() {
        if (isReturned) return;
        isReturned = true;
        if (isBroken || isClosed) return await session.close();
        const others = idle.get(address) ?? [];
        idle.set(address, [...others, { session, sinceMs: clock.monotonicMs() }]);
      },
    };
  }

  async function closeIdle(isDue: (session: IdleSession) => boolean): Promise<void> {
    const due: IdleSession[] = [];
    for (const [address, sessions] of idle) {
      due.push(...sessions.filter(isDue));
      const kept = sessions.filter((session) => !isDue(session));
      if (kept.length > 0) idle.set(address, kept);
      else idle.delete(address);
    }
    await Promise.all(due.map(({ session }) => session.close()));
  }

  return {
    reuse: (leader) => ({
      address: leader.address,
      sweep: (signal) => leader.sweep(signal),
      async openSession(signal) {
        signal.throwIfAborted();
        // The one used last: the others are left to grow old.
        const session = idle.get(leader.address)?.pop()?.session ?? (await leader.openSession(signal));
        return lend(leader.address, session);
      },
    }),
    review: () => {
      const nowMs = clock.monotonicMs();
      return closeIdle(({ sinceMs }) => nowMs - sinceMs >= IDLE_MS);
    },
    close() {
      isClosed = true;
      return closeIdle(() => true);
    },
  };
}
