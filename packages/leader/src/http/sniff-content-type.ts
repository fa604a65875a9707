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
  ['application/vnd.ms-fontobject', `${ANY.repeat(34)}LP`],
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

const HTML =
  /^[\t\n\f\r ]*<(?:(?:!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[ >]|!--)/i;
const XML = /^[\t\n\f\r ]*<\?xml/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what no text has.
const BINARY = /[\0-\x08\x0b\x0e-\x1a\x1c-\x1f]/;

/** What a content is by its first 512 bytes, as the WHATWG's sniffing has it and SeaweedFS goes by. */
export function sniffContentType(content: Uint8Array): string {
  const start = latin1(content.subarray(0, SNIFFED_BYTES));
  if (HTML.test(start)) return 'text/html; charset=utf-8';
  if (XML.test(start)) return 'text/xml; charset=utf-8';
  const signature = SIGNATURES.find(([, wanted]) => beginsWith(start, wanted));
  if (signature !== undefined) return signature[0];
  if (isMp4(start)) return 'video/mp4';
  return BINARY.test(start) ? OCTET_STREAM : PLAIN_TEXT;
}

function beginsWith(text: string, wanted: string): boolean {
  if (text.length < wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (wanted[i] !== ANY && wanted[i] !== text[i]) return false;
  return true;
}

/** A first box `ftyp` that names a brand beginning with `mp4`; its minor version lies at 12. */
function isMp4(start: string): boolean {
  if (start.length < 12 || start.slice(4, 8) !== 'ftyp') return false;
  const boxBytes = [0, 1, 2, 3].reduce((size, i) => size * 256 + start.charCodeAt(i), 0);
  if (boxBytes % 4 !== 0 || boxBytes > start.length) return false;
  for (let at = 8; at < boxBytes; at += 4) if (at !== 12 && start.startsWith('mp4', at)) return true;
  return false;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
