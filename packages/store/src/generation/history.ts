import type { RandomAccess } from '@holdfast/index';
import type { DiskFile } from '../disk.js';
import type { StoreEnvironment } from '../environment.js';
import type { PositionRecord } from './position-record.js';

/**
 * A committed state of a generation: its `.dat` up to `datSizeBytes`, and the index file `indexSerial` up to
 * `idxSizeBytes`. In the file a line of text,
 * `<atMs> <datSizeBytes> <idxSizeBytes> <lastAppendAtNs> <indexSerial> <heldFor or -> <crc32c of the rest>`.
 */
export interface HistoryLine {
  /** Wall time of the commit. */
  readonly atMs: number;
  readonly datSizeBytes: number;
  readonly idxSizeBytes: number;
  /** Decimal nanoseconds. */
  readonly lastAppendAtNs: string;
  readonly indexSerial: number;
  /** Set in a line that marks this state as held for an operator. */
  readonly heldFor: 'loss-guard' | null;
}

const LINE =
  /^([0-9]{1,15}) ([0-9]{1,15}) ([0-9]{1,15}) ([0-9]{1,20}) ([0-9]{1,9}) (-|loss-guard) ([0-9a-f]{8})$/;
/** Longer than any line can be. */
const LINE_SIZE_BYTES_MAX = 160;
const READ_SIZE_BYTES = 1 << 16;
const LINE_FEED = 0x0a;

export function historyLineOf(record: PositionRecord, heldFor: HistoryLine['heldFor'] = null): HistoryLine {
  const { datSizeBytes, idxSizeBytes, lastAppendAtNs } = record.position;
  return {
    atMs: record.committedAtMs,
    datSizeBytes,
    idxSizeBytes,
    lastAppendAtNs,
    indexSerial: record.indexSerial,
    heldFor,
  };
}

function checksum(env: StoreEnvironment, text: string): string {
  return env.crc32c(new TextEncoder().encode(text)).toString(16).padStart(8, '0');
}

function encodeLine(env: StoreEnvironment, line: HistoryLine): Uint8Array {
  const { atMs, datSizeBytes, idxSizeBytes, lastAppendAtNs, indexSerial, heldFor } = line;
  const text = `${atMs} ${datSizeBytes} ${idxSizeBytes} ${lastAppendAtNs} ${indexSerial} ${heldFor ?? '-'}`;
  return new TextEncoder().encode(`${text} ${checksum(env, text)}\n`);
}

function decodeLine(env: StoreEnvironment, bytes: Uint8Array): HistoryLine | undefined {
  const text = new TextDecoder().decode(bytes);
  const match = LINE.exec(text);
  if (match === null || checksum(env, text.slice(0, text.lastIndexOf(' '))) !== match[7]) return undefined;
  return {
    atMs: Number(match[1]),
    datSizeBytes: Number(match[2]),
    idxSizeBytes: Number(match[3]),
    lastAppendAtNs: match[4]!,
    indexSerial: Number(match[5]),
    heldFor: match[6] === '-' ? null : 'loss-guard',
  };
}

/** Every whole line, oldest first. A damaged line is passed over: the others are states all the same. */
export async function* readHistory(
  env: StoreEnvironment,
  content: RandomAccess,
  signal?: AbortSignal,
): AsyncGenerator<HistoryLine, void, undefined> {
  let offset = 0;
  for (;;) {
    signal?.throwIfAborted();
    const bytes = await content.readAt(offset, READ_SIZE_BYTES);
    let start = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, start)) {
      const line = decodeLine(env, bytes.subarray(start, end));
      if (line !== undefined) yield line;
      start = end + 1;
    }
    if (bytes.length < READ_SIZE_BYTES) return;
    // No line is as long as what was read: without one in it, it is all damage.
    offset += start === 0 ? bytes.length : start;
  }
}

export async function appendHistory(env: StoreEnvironment, path: string, line: HistoryLine): Promise<void> {
  const file = await env.disk.open(path, { mode: 'create' });
  try {
    await appendTo(env, file, line);
  } finally {
    await file.close();
  }
}

async function appendTo(env: StoreEnvironment, file: DiskFile, line: HistoryLine): Promise<void> {
  const sizeBytes = await file.sizeBytes();
  await file.writeAt(sizeBytes, encodeLine(env, line));
  try {
    await file.syncData();
  } catch (error) {
    // It may read right and not be on the disk, now or ever: without it the next opening makes it anew.
    await file.truncate(sizeBytes).catch(() => {});
    throw error;
  }
}

/** Cuts a torn last line, and makes the line of `record` if a crash came between the two. Whether anything was amiss. */
export async function mendHistory(
  env: StoreEnvironment,
  path: string,
  record: PositionRecord,
): Promise<boolean> {
  const file = await env.disk.open(path, { mode: 'create' });
  try {
    const sizeBytes = await file.sizeBytes();
    const start = Math.max(0, sizeBytes - 2 * LINE_SIZE_BYTES_MAX);
    const end = await file.readAt(start, sizeBytes - start);
    const endOfLast = end.lastIndexOf(LINE_FEED) + 1;
    const isTorn = endOfLast < end.length;
    const startOfLast = endOfLast < 2 ? 0 : end.lastIndexOf(LINE_FEED, endOfLast - 2) + 1;
    const last = endOfLast === 0 ? undefined : decodeLine(env, end.subarray(startOfLast, endOfLast - 1));
    if (isTorn) await file.truncate(start + endOfLast);
    const isLost = last === undefined || !isStateOf(last, record);
    if (isLost) await appendTo(env, file, historyLineOf(record));
    else if (isTorn) await file.syncData();
    return isTorn || isLost;
  } finally {
    await file.close();
  }
}

/** Whether the line is of the state that the record speaks of. */
export function isStateOf(line: HistoryLine, record: PositionRecord): boolean {
  const { datSizeBytes, idxSizeBytes, lastAppendAtNs } = record.position;
  return (
    line.datSizeBytes === datSizeBytes &&
    line.idxSizeBytes === idxSizeBytes &&
    line.lastAppendAtNs === lastAppendAtNs &&
    line.indexSerial === record.indexSerial
  );
}
