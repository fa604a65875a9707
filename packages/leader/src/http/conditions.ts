import { parseHttpDate } from './http-date.js';

/** What a needle is compared by. */
export interface Validators {
  /** With its quotes. */
  readonly etag: string;
  readonly lastModifiedSeconds: number | undefined;
}

/** Whether the one who asks has it already (RFC 9110 §13.1.2, §13.1.3): If-None-Match counts before If-Modified-Since. */
export function isNotModified(headers: Headers, { etag, lastModifiedSeconds }: Validators): boolean {
  const noneMatch = headers.get('if-none-match');
  if (noneMatch !== null) return matchesWeakly(noneMatch, etag);
  const since = lastModifiedSeconds === undefined ? null : headers.get('if-modified-since');
  if (since === null) return false;
  const sinceSeconds = parseHttpDate(since);
  return sinceSeconds !== undefined && sinceSeconds >= lastModifiedSeconds!;
}

/** Whether a Range header counts: without If-Range, and where that names exactly what is there (RFC 9110 §13.1.5). */
export function isRangeWanted(headers: Headers, { etag, lastModifiedSeconds }: Validators): boolean {
  const condition = headers.get('if-range');
  if (condition === null || condition === etag) return true;
  return lastModifiedSeconds !== undefined && parseHttpDate(condition) === lastModifiedSeconds;
}

const ENTITY_TAG = /[ \t]*(?:W\/)?("[^"]*")[ \t]*(?:,|$)/gy;

function matchesWeakly(list: string, etag: string): boolean {
  if (list.trim() === '*') return true;
  for (const [, tag] of list.matchAll(ENTITY_TAG)) if (tag === etag) return true;
  return false;
}
