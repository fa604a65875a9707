import type { RpcTimers } from './timers.js';

const KiB = 1024;
/** Before the link has shown its rate. Over 20 KiB/s so much takes six seconds. */
const FIRST_WINDOW_BYTES = 128 * KiB;
/** A window holds what the link brings in so long: an answer waits behind no more. */
const WINDOW_MS = 1000;
/** A quick link has shown what it can after the first look; each is twice as long as the one before. */
const FIRST_LOOK_MS = 10;
const GREATEST_LOOK_MS = 100;

/** A connection whose peer sends no more ahead than it is let to. */
export interface WindowedConnection {
  /** Of all that came over it, in parts too. */
  receivedBytes(): number;
  /** Lets the peer have so much under way over all streams. Not called once the connection is gone. */
  setWindow(windowBytes: number): void;
  isGone(): boolean;
  /** Of a clock that only goes forward. */
  nowMs(): number;
  readonly timers: RpcTimers;
}

/** The window of a connection, which follows the rate of its link. */
export interface ReceiveWindow {
  /** To be called as calls begin and bytes come: looks at the rate for as long as they do. */
  look(): void;
}

/**
 * A fixed window is too small for a long link or too large for a slow one, where every answer, a ping's too, stands
 * behind all that was under way before it. This one begins small and grows, up to `greatestBytes`, to what the link has
 * brought in a second. It never shrinks: a connection that gets too slow for its window ends by its deadlines.
 */
export function openReceiveWindow(connection: WindowedConnection, greatestBytes: number): ReceiveWindow {
  const { timers } = connection;
  let windowBytes = Math.min(FIRST_WINDOW_BYTES, greatestBytes);
  let sinceMs = connection.nowMs();
  let sinceBytes = connection.receivedBytes();
  let isLooking = false;
  let lookMs = FIRST_LOOK_MS;
  connection.setWindow(windowBytes);

  function widen(): void {
    const tookMs = connection.nowMs() - sinceMs;
    const cameBytes = connection.receivedBytes() - sinceBytes;
    const inTimeBytes = Math.floor((cameBytes * WINDOW_MS) / Math.max(WINDOW_MS, tookMs));
    const wanted = Math.min(greatestBytes, inTimeBytes);
    if (wanted > windowBytes) {
      windowBytes = wanted;
      connection.setWindow(windowBytes);
    }
    if (tookMs < WINDOW_MS) return;
    sinceMs += tookMs;
    sinceBytes += cameBytes;
  }

  async function lookOn(): Promise<void> {
    for (let before = -1; before !== connection.receivedBytes() && windowBytes < greatestBytes; ) {
      before = connection.receivedBytes();
      await timers.sleep(lookMs);
      lookMs = Math.min(2 * lookMs, GREATEST_LOOK_MS);
      if (connection.isGone()) return;
      widen();
    }
    isLooking = false;
  }

  return {
    look() {
      if (isLooking || windowBytes >= greatestBytes) return;
      isLooking = true;
      void lookOn();
    },
  };
}
