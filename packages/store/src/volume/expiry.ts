import { type NeedleBody, type Ttl, ttlSeconds } from '@holdfast/format';

/** What tells when a needle ends. */
export interface Expiring extends Pick<NeedleBody, 'lastModifiedSeconds'> {
  readonly ttl: Ttl | undefined;
  /** Unix nanoseconds; 0n in version 1 and 2, where a needle with a ttl is never read (format.md §9). */
  readonly appendAtNs: bigint;
}

/** Whether the needle is past its ttl: for readers it is not there. One without a time of modification has no end. */
export function isExpired({ ttl, lastModifiedSeconds, appendAtNs }: Expiring, nowNs: bigint): boolean {
  if (ttl === undefined || lastModifiedSeconds === undefined) return false;
  const seconds = ttlSeconds(ttl);
  return seconds > 0 && nowNs >= appendAtNs + BigInt(seconds) * 1_000_000_000n;
}
