/** Wall and monotonic time. The only sources of time that library code may use. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch. May jump and step back. */
  nowMs(): number;
  /** Wall time in nanoseconds since the Unix epoch, the unit of `appendAtNs`. */
  nowNs(): bigint;
  /** Milliseconds since an arbitrary start; never goes back. For durations and rates. */
  monotonicMs(): number;
}

/** Waiting. The only way library code may wait for time to pass. */
export interface Timers {
  /** Resolves after `delayMs`; rejects with the signal's reason as soon as it aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** Randomness: jitter, tokens, names. */
export interface Random {
  /** A uniform number in [0, 1). */
  nextFloat(): number;
  /** `lengthBytes` random bytes, fit for a token. */
  bytes(lengthBytes: number): Uint8Array;
}

/**
 * CRC-32C (Castagnoli) of `bytes`, continued from `previous` (default 0: a fresh sum), as an unsigned
 * 32-bit number. `crc(b, crc(a))` equals `crc(a ++ b)`.
 */
export type Crc32c = (bytes: Uint8Array, previous?: number) => number;
