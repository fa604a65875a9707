import type { Clock } from '@holdfast/format';
import { type Activity, createActivity } from './activity.js';

/** How many volumes are synced at once. */
export interface TurnLimits {
  /** Turns of all servers together, of short ones and of long ones each. Default 4. */
  readonly turnsAtOnce: number;
  /** The same for one server. Default 2. */
  readonly turnsPerServer: number;
  /** Turns that one server keeps waiting before it gets no more of them. Default 4. */
  readonly stalledPerServer: number;
  /** A turn whose leader has said nothing for so long gives its place to another. Default 5 s. */
  readonly stalledAfterMs: number;
  /** A turn that takes so long is a long one from then on. Default 10 s. */
  readonly longAfterMs: number;
  /** Turns that stay with a leader that pushes, of all servers together. Default 256. */
  readonly pushedAtOnce: number;
}

export const defaultTurnLimits: TurnLimits = {
  turnsAtOnce: 4,
  turnsPerServer: 2,
  stalledPerServer: 4,
  stalledAfterMs: 5_000,
  longAfterMs: 10_000,
  pushedAtOnce: 256,
};

/** One run for one volume. */
export interface TurnRequest {
  /** Names the volume: one turn at a time. */
  readonly key: string;
  /** Whose load it is. */
  readonly server: string;
  /** Whether it is known to take long, as a first copy is: it must not keep the short ones from their places. */
  readonly isLong: boolean;
  readonly run: (turn: Turn) => Promise<void>;
}

/** A turn as its run sees it. */
export interface Turn {
  readonly activity: Activity;
  /** Gives its place to another and stays with its leader, which pushes. False where too many do: then it is to end. */
  stay(): boolean;
}

/**
 * Who may sync now. Servers take turns, and the volumes of a server in the order in which they asked. Long turns have
 * places of their own; one that its leader keeps waiting has none, so a leader that hangs holds up its own volumes alone.
 */
export interface Turns {
  /** Whether the volume waits in line or is at work. */
  has(key: string): boolean;
  /** Puts a volume in line, which `has` is false of. `review` starts it. */
  request(request: TurnRequest): void;
  /** Starts what there is room for; judges anew which turns stall and which take long. To be called every second or so. */
  review(): void;
  /** Nobody waits any more. */
  dropWaiting(): void;
  /** When nothing is at work any more. */
  idle(): Promise<void>;
}

type Lane = 'short' | 'long';

interface RunningTurn {
  readonly server: string;
  readonly startedMs: number;
  readonly activity: Activity;
  readonly ended: Promise<void>;
  lane: Lane | 'pushed';
}

/** Waiting turns by server; the server whose turn was longest ago comes first. */
type Line = Map<string, Map<string, TurnRequest>>;

export interface TurnsOptions {
  readonly clock: Clock;
  readonly limits?: Partial<TurnLimits> | undefined;
  /** A turn's `run` has failed; the others go on. */
  readonly onFailure: (error: unknown) => void;
}

export function createTurns({ clock, limits: given, onFailure }: TurnsOptions): Turns {
  const limits: TurnLimits = { ...defaultTurnLimits, ...given };
  const lines: Readonly<Record<Lane, Line>> = { short: new Map(), long: new Map() };
  const waiting = new Set<string>();
  const running = new Map<string, RunningTurn>();

  function isStalled({ lane, activity: { waitingSinceMs } }: RunningTurn): boolean {
    if (lane === 'pushed') return false;
    return waitingSinceMs !== undefined && clock.monotonicMs() - waitingSinceMs >= limits.stalledAfterMs;
  }

  function count(isCounted: (turn: RunningTurn) => boolean): number {
    let counted = 0;
    for (const turn of running.values()) if (isCounted(turn)) counted++;
    return counted;
  }

  function hasRoom(lane: Lane, server: string): boolean {
    const isInLane = (turn: RunningTurn) => turn.lane === lane && !isStalled(turn);
    return (
      count(isInLane) < limits.turnsAtOnce &&
      count((turn) => turn.server === server && isInLane(turn)) < limits.turnsPerServer
    );
  }

  function moveLongTurns(): void {
    const nowMs = clock.monotonicMs();
    for (const turn of running.values()) {
      const isLong = nowMs - turn.startedMs >= limits.longAfterMs;
      if (turn.lane === 'short' && isLong && hasRoom('long', turn.server)) turn.lane = 'long';
    }
  }

  function takeNext(lane: Lane): TurnRequest | undefined {
    const line = lines[lane];
    for (const [server, requests] of line) {
      const stalled = count((turn) => turn.server === server && isStalled(turn));
      if (stalled >= limits.stalledPerServer || !hasRoom(lane, server)) continue;
      const [request] = requests.values();
      if (request === undefined) continue;
      requests.delete(request.key);
      line.delete(server);
      if (requests.size > 0) line.set(server, requests);
      waiting.delete(request.key);
      return request;
    }
    return undefined;
  }

  function start({ key, server, run }: TurnRequest, lane: Lane): void {
    const activity = createActivity(clock);
    const stay = (): boolean => {
      const turn = running.get(key);
      if (turn === undefined || count((other) => other.lane === 'pushed') >= limits.pushedAtOnce)
        return false;
      turn.lane = 'pushed';
      review();
      return true;
    };
    const ended = run({ activity, stay })
      .catch(onFailure)
      .then(() => {
        running.delete(key);
        review();
      });
    running.set(key, { server, startedMs: clock.monotonicMs(), activity, ended, lane });
  }

  function review(): void {
    moveLongTurns();
    for (const lane of ['short', 'long'] as const)
      for (let next = takeNext(lane); next !== undefined; next = takeNext(lane)) start(next, lane);
  }

  return {
    has: (key) => waiting.has(key) || running.has(key),
    request(request) {
      const line = lines[request.isLong ? 'long' : 'short'];
      const requests = line.get(request.server) ?? new Map<string, TurnRequest>();
      line.set(request.server, requests.set(request.key, request));
      waiting.add(request.key);
    },
    review,
    dropWaiting() {
      waiting.clear();
      for (const line of Object.values(lines)) line.clear();
    },
    async idle() {
      while (running.size > 0) await Promise.all([...running.values()].map(({ ended }) => ended));
    },
  };
}
