import type { Clock, Crc32c, Random } from '@holdfast/format';
import type { Disk } from './disk.js';

/** The machine and process that the store runs in, as far as the directory lock needs to know them. */
export interface Host {
  readonly pid: number;
  readonly hostName: string;
  /** Changes with every boot of this machine; `undefined` where that cannot be told. */
  bootId(): Promise<string | undefined>;
  /** When the process with this id began, in a form that only equality is asked of; `undefined` if there is none. */
  processStartTime(pid: number): Promise<string | undefined>;
  /**
   * Claims a name that at most one process of this machine (to be exact: of this network namespace) can have and
   * that is free the moment its holder dies, however it dies. Gives the release; `undefined` if another has it.
   */
  claimName(name: string): Promise<(() => Promise<void>) | undefined>;
}

/** SHA-256 of bytes that come in pieces. */
export interface Sha256Stream {
  push(bytes: Uint8Array): void;
  /** The digest, 32 bytes. Called once, last. */
  digest(): Uint8Array;
}

/** Memory for large writes, lent in pieces: a process that writes a thousand volumes holds few of them. */
export interface WriteMemory {
  /** Of every piece. */
  readonly pieceBytes: number;
  /** Always gives one. What is in it is of no meaning. */
  borrow(): Uint8Array;
  /** Copies `bytes` to `at` of a piece. */
  put(piece: Uint8Array, at: number, bytes: Uint8Array): void;
  /** Nobody looks at it any more, the disk and `sha256Blocks` included. */
  giveBack(piece: Uint8Array): void;
}

/** Everything that the store takes from outside. `nodeStoreEnvironment()` of `@holdfast/store/node` is the real one. */
export interface StoreEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly crc32c: Crc32c;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  /**
   * The digests of the blocks of `blockBytes` that `bytes` are, one behind the other; `bytes` are left alone meanwhile. Takes
   * no time of the caller's thread where they are in a piece of `writeMemory`.
   */
  readonly sha256Blocks: (bytes: Uint8Array, blockBytes: number) => Promise<Uint8Array>;
  readonly createSha256: () => Sha256Stream;
  /** What `disk` writes best, and other threads can read. */
  readonly writeMemory: WriteMemory;
  readonly host: Host;
}
