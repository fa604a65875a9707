import { type Crc32c, type NeedleContent, parseNeedle, type Version } from '@holdfast/format';

/** A record of another server, as it is written here. */
export interface ReceivedRecord {
  readonly content: Omit<NeedleContent, 'data'>;
  readonly data: Uint8Array;
}

/** Reads exactly one record, checked. Fails as `parseNeedle`. */
export function parseRecord(record: Uint8Array, version: Version, crc32c: Crc32c): ReceivedRecord {
  const { data, cookie, needleId, flags, name, mime, lastModifiedSeconds, ttl, pairs } = parseNeedle(
    record,
    version,
    { crc32c },
  );
  return { content: { cookie, needleId, flags, name, mime, lastModifiedSeconds, ttl, pairs }, data };
}
