import { FormatError } from './errors.js';

/** What names one needle in a cluster, and proves the right to read it (format.md §10). */
export interface FileId {
  readonly volumeId: number;
  readonly needleId: bigint;
  readonly cookie: number;
}

const COOKIE_DIGITS = 8;
const MAX_KEY_DIGITS = 16;
const MAX_VOLUME_ID = 0xffff_ffff;

/** `3,01637037d6`, with a `/` in front, `_<n>` behind, an extension. */
const COMMA_FORM = /^\/?([0-9]+),([0-9a-fA-F]+)(?:_([0-9]{1,20}))?(?:\.[^/]*)?$/;
/** `/3/01637037d6`, the same with an extension or with a file name behind. */
const SLASH_FORM = /^\/?([0-9]+)\/([0-9a-fA-F]+)(?:_([0-9]{1,20}))?(?:\.[^/]*|\/[^/]*)?$/;

/**
 * A file id in any form that a server takes: `vid,keycookie`, `/vid/keycookie`, `/vid/keycookie/filename`,
 * `/vid,keycookie.ext`; hex in either case, more than 8 and at most 24 digits; `_<n>` adds n to the key. Fails with
 * `bad-file-id`.
 */
export function parseFileId(text: string): FileId {
  const match = COMMA_FORM.exec(text) ?? SLASH_FORM.exec(text);
  const [, volumeText = '', hex = '', deltaText = '0'] = match ?? [];
  const volumeId = Number(volumeText);
  const wellFormed =
    match !== null &&
    hex.length > COOKIE_DIGITS &&
    hex.length <= COOKIE_DIGITS + MAX_KEY_DIGITS &&
    volumeId <= MAX_VOLUME_ID;
  if (!wellFormed) {
    throw new FormatError('bad-file-id', `not a file id: ${JSON.stringify(text)}`, {
      expected: 'volume id, comma, 9 to 24 hex digits',
      found: text,
    });
  }
  const key = BigInt(`0x${hex.slice(0, -COOKIE_DIGITS)}`);
  return {
    volumeId,
    needleId: BigInt.asUintN(64, key + BigInt(deltaText)),
    cookie: Number.parseInt(hex.slice(-COOKIE_DIGITS), 16),
  };
}

/**
 * `vid,keycookie`: the key without leading zero bytes. Key 0 keeps one zero byte: as servers print it, without any,
 * no server takes it back.
 */
export function formatFileId(fileId: FileId): string {
  const digits = BigInt.asUintN(64, fileId.needleId).toString(16);
  const key = digits.length % 2 === 0 ? digits : `0${digits}`;
  const cookie = (fileId.cookie >>> 0).toString(16).padStart(COOKIE_DIGITS, '0');
  return `${fileId.volumeId},${key}${cookie}`;
}
