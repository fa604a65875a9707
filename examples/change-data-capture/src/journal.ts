import { type FileHandle, open } from 'node:fs/promises';

const LINE_FEED = 0x0a;
/** More than two of our lines. */
const TAIL_BYTES = 64 * 1024;

/** A file of JSON lines, each with the cursor behind it: what was done and how far are one write. */
export interface Journal {
  /** Of the last whole line. */
  readonly cursor: string | undefined;
  append(line: { readonly cursor: string }): Promise<void>;
  close(): Promise<void>;
}

/** Cuts a line that a crash tore: it was never written, and will come again. */
export async function openJournal(path: string): Promise<Journal> {
  const file = await open(path, 'a+');
  return {
    cursor: await lastCursor(file),
    append: (line) => file.appendFile(`${JSON.stringify(line)}\n`),
    close: () => file.close(),
  };
}

async function lastCursor(file: FileHandle): Promise<string | undefined> {
  const { size } = await file.stat();
  const start = Math.max(0, size - TAIL_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
  const tail = buffer.subarray(0, bytesRead);
  const end = tail.lastIndexOf(LINE_FEED) + 1;
  await file.truncate(start + end);
  const last = tail.toString('utf8', 0, end).trimEnd().split('\n').at(-1);
  return last ? (JSON.parse(last) as { readonly cursor: string }).cursor : undefined;
}
