import type { Needle } from '@holdfast/format';
import type { AnswerHeaders } from './answers.js';

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not stand in a header.
const UNSAFE_VALUE = /[\0-\x08\x0a-\x1f\x7f]/;

/** How a message is framed is not for stored pairs to say. */
const FRAMING = new Set([
  'connection',
  'content-length',
  'content-range',
  'keep-alive',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** The pairs of a needle as header fields; those that can be none are left out, and so is what is no JSON object. */
export function pairHeaders(pairs: Uint8Array, into: AnswerHeaders): void {
  for (const [name, value] of Object.entries(parsePairs(pairs))) {
    const lowerName = name.toLowerCase();
    if (typeof value !== 'string' || !HEADER_NAME.test(name) || FRAMING.has(lowerName)) continue;
    if (!UNSAFE_VALUE.test(value)) into[lowerName] = toHeaderText(value);
  }
}

export function parsePairs(pairs: Uint8Array): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(pairs));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The bytes of a text, one a character: what a header field carries. */
export function toHeaderText(text: string): string {
  if (/^[\0-\x7f]*$/.test(text)) return text;
  return Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
}

/** The reverse. */
export function fromHeaderText(value: string): string {
  if (/^[\0-\x7f]*$/.test(value)) return value;
  return new TextDecoder().decode(Uint8Array.from(value, (character) => character.charCodeAt(0)));
}

/** Raw CRC-32C in quotes, as every server of SeaweedFS makes it. */
export function formatEtag(crc: number): string {
  return `"${crc.toString(16).padStart(8, '0')}"`;
}

export function textOf(field: Needle['name']): string {
  return field === undefined || field.length === 0 ? '' : new TextDecoder().decode(field);
}
