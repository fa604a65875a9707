/** So much of a content is looked at. */
export const SNIFFED_BYTES = 512;

const OCTET_STREAM = 'application/octet-stream';
const PLAIN_TEXT = 'text/plain; charset=utf-8';
const ANY = '?';

/** Type by type what a content begins with, a `?` for any byte; more exact ones first. Of every other byte latin1. */
const SIGNATURES: readonly (readonly [type: string, start: string])[] = [
  ['application/pdf', '%PDF-'],
  ['application/postscript', '%!PS-Adobe-'],
  ['text/plain; charset=utf-16be', '\xfe\xff'],
  ['text/plain; charset=utf-16le', '\xff\xfe'],
  [PLAIN_TEXT, '\xef\xbb\xbf'],
  ['image/x-icon', '\0\0\x01\0'],
  ['image/x-icon', '\0\0\x02\0'],
  ['image/bmp', 'BM'],
  ['image/gif', 'GIF87a'],
  ['image/gif', 'GIF89a'],
  ['image/webp', 'RIFF????WEBPVP'],
  ['image/png', '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', '\xff\xd8\xff'],
  ['audio/aiff', 'FORM????AIFF'],
  ['audio/mpeg', 'ID3'],
  ['application/ogg', 'OggS\0'],
  ['audio/midi', 'MThd\0\0\0\x06'],
  ['video/avi', 'RIFF????AVI '],
  ['audio/wave', 'RIFF????WAVE'],
  ['video/webm', '\x1a\x45\xdf\xa3'],
  ['font/ttf', '\0\x01\0\0'],
  ['font/otf', 'OTTO'],
  ['font/collection', 'ttcf'],
  ['font/woff', 'wOFF'],
  ['font/woff2', 'wOF2'],
  ['application/x-gzip', '\x1f\x8b\x08'],
  ['application/zip', 'PK\x03\x04'],
  ['application/x-rar-compressed', 'Rar!\x1a\x07\0'],
  ['application/x-rar-compressed', 'Rar!\x1a\x07\x01\0'],
  ['application/wasm', '\0asm'],
];

/** Most contents are of a type that their first byte rules out. */
const BY_FIRST_BYTE = new Map<number, (readonly [type: string, start: string])[]>();
for (const signature of SIGNATURES) {
  const first = signature[1].charCodeAt(0);
  BY_FIRST_BYTE.set(first, [...(BY_FIRST_BYTE.get(first) ?? []), signature]);
}

const WHITE_SPACE = new Set([0x09, 0x0a, 0x0c, 0x0d, 0x20]);
const LESS_THAN = 0x3c;
/** As far as a tag or a declaration is looked at. */
const MARKUP_BYTES = 16;
const HTML =
  /^<(?:(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[ >]|!--)/i;
const XML = /^<\?xml/;

/** Control characters that no text has. */
const IS_BINARY = new Uint8Array(256);
for (let byte = 0; byte < 0x20; byte++)
  IS_BINARY[byte] = '\t\n\f\r\x1b'.includes(String.fromCharCode(byte)) ? 0 : 1;

/** What a content is by its first 512 bytes, as the WHATWG's sniffing has it and SeaweedFS goes by. */
export function sniffContentType(content: Uint8Array): string {
  const start = content.length > SNIFFED_BYTES ? content.subarray(0, SNIFFED_BYTES) : content;
  const markup = sniffMarkup(start);
  if (markup !== undefined) return markup;
  const candidates = BY_FIRST_BYTE.get(start[0] ?? 0);
  const signature = candidates?.find(([, wanted]) => beginsWith(start, wanted));
  if (signature !== undefined) return signature[0];
  if (isFontObject(start)) return 'application/vnd.ms-fontobject';
  if (isMp4(start)) return 'video/mp4';
  return start.some((byte) => IS_BINARY[byte] === 1) ? OCTET_STREAM : PLAIN_TEXT;
}

function sniffMarkup(start: Uint8Array): string | undefined {
  let at = 0;
  while (at < start.length && WHITE_SPACE.has(start[at]!)) at++;
  if (start[at] !== LESS_THAN) return undefined;
  const markup = latin1(start.subarray(at, at + MARKUP_BYTES));
  if (HTML.test(markup)) return 'text/html; charset=utf-8';
  return XML.test(markup) ? 'text/xml; charset=utf-8' : undefined;
}

function beginsWith(bytes: Uint8Array, wanted: string): boolean {
  if (bytes.length < wanted.length) return false;
  for (let i = 0; i < wanted.length; i++)
    if (wanted[i] !== ANY && wanted.charCodeAt(i) !== bytes[i]) return false;
  return true;
}

/** `LP` behind 34 bytes that are not looked at. */
function isFontObject(start: Uint8Array): boolean {
  return start[34] === 0x4c && start[35] === 0x50;
}

/** A first box `ftyp` that names a brand beginning with `mp4`; its minor version lies at 12. */
function isMp4(start: Uint8Array): boolean {
  if (start.length < 12 || start[4] !== 0x66 || latin1(start.subarray(4, 8)) !== 'ftyp') return false;
  const boxBytes = new DataView(start.buffer, start.byteOffset).getUint32(0);
  if (boxBytes % 4 !== 0 || boxBytes > start.length) return false;
  for (let at = 8; at < boxBytes; at += 4)
    if (at !== 12 && latin1(start.subarray(at, at + 3)) === 'mp4') return true;
  return false;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
