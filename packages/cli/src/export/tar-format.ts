/** Everything in an archive begins at a multiple of this. */
export const TAR_BLOCK_BYTES = 512;

const NAME_BYTES = 100;
/** What eleven octal digits can say. */
const MAX_OCTAL = 0o77777777777;
const CHECKSUM_AT = 148;
const CHECKSUM_END = 156;

/** One regular file of an archive. */
export interface TarEntry {
  /** A path without `.` and `..`. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Unix seconds. */
  readonly modifiedAtSeconds: number;
}

/** The blocks before a file's content: its ustar header, and before that a pax one for what does not fit into it. */
export function tarHeader(entry: TarEntry): Uint8Array {
  const records = paxRecords(entry);
  const header = ustarHeader(entry, '0');
  if (records.length === 0) return header;
  const attributes = new TextEncoder().encode(records.join(''));
  const content = {
    name: 'PaxHeader',
    sizeBytes: attributes.length,
    modifiedAtSeconds: entry.modifiedAtSeconds,
  };
  return Buffer.concat([ustarHeader(content, 'x'), attributes, tarPadding(attributes.length), header]);
}

/** What brings content of this length to a whole number of blocks. */
export function tarPadding(sizeBytes: number): Uint8Array {
  return new Uint8Array((TAR_BLOCK_BYTES - (sizeBytes % TAR_BLOCK_BYTES)) % TAR_BLOCK_BYTES);
}

/** What ends an archive. */
export function tarEnd(): Uint8Array {
  return new Uint8Array(2 * TAR_BLOCK_BYTES);
}

function paxRecords({ name, sizeBytes, modifiedAtSeconds }: TarEntry): string[] {
  const records: string[] = [];
  const isPlain = /^[\x20-\x7e]*$/.test(name) && name.length <= NAME_BYTES;
  if (!isPlain) records.push(paxRecord('path', name));
  if (sizeBytes > MAX_OCTAL) records.push(paxRecord('size', `${sizeBytes}`));
  if (modifiedAtSeconds > MAX_OCTAL) records.push(paxRecord('mtime', `${modifiedAtSeconds}`));
  return records;
}

/** `<length> <key>=<value>\n`, where the length counts its own digits, too. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const restBytes = Buffer.byteLength(rest);
  let lengthBytes = restBytes;
  while (lengthBytes !== restBytes + `${lengthBytes}`.length)
    lengthBytes = restBytes + `${lengthBytes}`.length;
  return `${lengthBytes}${rest}`;
}

function ustarHeader({ name, sizeBytes, modifiedAtSeconds }: TarEntry, type: '0' | 'x'): Uint8Array {
  const header = Buffer.alloc(TAR_BLOCK_BYTES);
  // What is not ASCII, or too long, is in the pax header: this form is for readers that do not know it.
  header.write(name.replaceAll(/[^\x20-\x7e]/g, '_').slice(0, NAME_BYTES), 0, 'latin1');
  header.write('0000644\0', 100, 'latin1');
  header.write('0000000\0', 108, 'latin1');
  header.write('0000000\0', 116, 'latin1');
  header.write(`${octal(sizeBytes)}\0`, 124, 'latin1');
  header.write(`${octal(modifiedAtSeconds)}\0`, 136, 'latin1');
  header.fill(' ', CHECKSUM_AT, CHECKSUM_END);
  header.write(type, CHECKSUM_END, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, CHECKSUM_AT, 'latin1');
  return header;
}

function octal(value: number): string {
  return Math.min(value, MAX_OCTAL).toString(8).padStart(11, '0');
}
