/** What most file systems allow for one name. */
export const MAX_FILE_NAME_BYTES = 255;
/** An ending longer than this is no extension that would be worth keeping when a name is cut. */
const MAX_EXTENSION_BYTES = 32;

/** Control characters, halves of surrogate pairs, what turns the direction of writing, what Windows does not allow. */
const UNSAFE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}<>:"/\\|?*]/gu;
/** A leading dot hides a file, or leads out of the folder; a leading dash is taken for an option. */
const UNSAFE_START = /^[.\-\s]/u;
/** Windows drops them. */
const UNSAFE_END = /[.\s]$/u;
/** Names of devices on Windows, with any extension. */
const DEVICE =
  /^(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])(?:\.|$)/iu;

/**
 * `text` as one file name that every common file system takes and that stays in its folder: what is unsafe becomes `_`,
 * a name longer than 255 bytes of UTF-8 is cut in front of its extension. A name that is safe stays as it is; an empty
 * one stays empty.
 */
export function safeFileName(text: string): string {
  if (text === '') return '';
  let name = text.replaceAll(UNSAFE, '_').replace(UNSAFE_START, '_').replace(UNSAFE_END, '_');
  if (DEVICE.test(name)) name = `_${name}`;
  return appendToStem(name, '').replace(UNSAFE_END, '_');
}

/** `photo.jpg` and `~1` are `photo~1.jpg`; the stem is cut so that all of it has at most 255 bytes. */
export function appendToStem(name: string, addition: string): string {
  const dot = name.lastIndexOf('.');
  const hasExtension = dot > 0 && utf8Bytes(name.slice(dot)) <= MAX_EXTENSION_BYTES;
  const stem = hasExtension ? name.slice(0, dot) : name;
  const end = `${addition}${hasExtension ? name.slice(dot) : ''}`;
  return `${cutToBytes(stem, MAX_FILE_NAME_BYTES - utf8Bytes(end))}${end}`;
}

function cutToBytes(text: string, maxBytes: number): string {
  if (utf8Bytes(text) <= maxBytes) return text;
  let cut = '';
  let lengthBytes = 0;
  for (const character of text) {
    lengthBytes += utf8Bytes(character);
    if (lengthBytes > maxBytes) break;
    cut += character;
  }
  return cut;
}

function utf8Bytes(text: string): number {
  return new TextEncoder().encode(text).length;
}
