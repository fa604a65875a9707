import type { RandomAccess } from '@holdfast/index';

/** What `stat` knows of a file: enough to see that it is, or is not, the file that was recorded. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'other';
  readonly sizeBytes: number;
  /** Device and inode as one opaque text: equal for two names of one file. */
  readonly fileKey: string;
  readonly mtimeNs: bigint;
}

/** One open file. `close` is idempotent; every other call after it fails. */
export interface DiskFile extends RandomAccess {
  /** Writes all of `bytes` at `offset` (a short write is retried inside), extending the file if need be. */
  writeAt(offset: number, bytes: Uint8Array): Promise<void>;
  /** Sets the length. */
  truncate(sizeBytes: number): Promise<void>;
  /** Makes content and length durable (fdatasync). A failure means that nothing since the last one is trusted. */
  syncData(): Promise<void>;
  stat(): Promise<FileStat>;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** `read`: must exist. `write`: read and write, must exist. `create`: read and write, made if absent, never truncated. `create-new`: must not exist. */
  readonly mode: 'read' | 'write' | 'create' | 'create-new';
}

/**
 * The disk. Paths are absolute or relative to the process, with `/` between parts. Every failure is a
 * `StoreError` whose code says what it was (`not-found`, `exists`, `no-space`, `not-permitted`, `disk-failed`),
 * with the path and the cause.
 */
export interface Disk {
  open(path: string, options: OpenOptions): Promise<DiskFile>;
  /** `undefined` if there is nothing at `path`. */
  stat(path: string): Promise<FileStat | undefined>;
  /** Names in a directory, sorted, without `.` and `..`. */
  list(path: string): Promise<readonly string[]>;
  makeDirectory(path: string): Promise<void>;
  removeDirectory(path: string): Promise<void>;
  /** Atomically gives `from`'s file the name `to`, replacing what had it. Durable after `syncDirectory`. */
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file. Fails with code `links-unsupported` where the file system has none. */
  link(existing: string, added: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Makes renames, links, creations and removals in this directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Bytes free to this user on the file system of `path`. */
  freeBytes(path: string): Promise<number>;
}
