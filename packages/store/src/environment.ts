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

/** Everything that the store takes from outside. `nodeStoreEnvironment()` of `@holdfast/store/node` is the real one. */
export interface StoreEnvironment {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly crc32c: Crc32c;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  readonly createSha256: () => Sha256Stream;
  readonly host: Host;
}
