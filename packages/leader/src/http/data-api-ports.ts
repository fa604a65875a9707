import type { Clock, Random, Timers } from '@holdfast/format';
import type { StoredVolume } from '../needles/stored-volume.js';
import type { GuardedRequest } from '../security/data-guard.js';

/** A volume as reading needs it: a `StoredVolume` is one. Failures are `StoreError`s. */
export type ReadableVolume = Pick<StoredVolume, 'name' | 'version' | 'superBlock' | 'status' | 'open'>;

/** What is read: a `NeedleStore` is such. */
export interface ReadableVolumes {
  list(): readonly ReadableVolume[];
  find(volumeId: number): ReadableVolume | undefined;
}

/** A volume as writing needs it: a `StoredVolume` is one. */
export type WritableVolume = Pick<StoredVolume, 'superBlock' | 'status' | 'open' | 'write' | 'delete'>;

/** What is written: a `NeedleStore` is such. */
export interface WritableVolumes {
  find(volumeId: number): WritableVolume | undefined;
}

/** gzip (RFC 1952), of bytes at hand and of pieces that come. */
export interface Gzip {
  pack(bytes: Uint8Array): Promise<Uint8Array>;
  /** `undefined` where it would be more than `maxBytes`. Fails where it is no gzip, or is cut short. */
  unpack(bytes: Uint8Array, maxBytes: number): Promise<Uint8Array | undefined>;
  packPieces(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /** Fails as `unpack`. */
  unpackPieces(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
}

/** MD5 of bytes that come in pieces. */
export interface Md5Stream {
  push(bytes: Uint8Array): void;
  /** The digest, 16 bytes. Called once, last. */
  digest(): Uint8Array;
}

/** Everything that the API takes from outside. `nodeHttpEnvironment()` of `@holdfast/leader/node` is the real one. */
export interface HttpEnvironment {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly gzip: Gzip;
  readonly createMd5: () => Md5Stream;
}

/** Who asks. */
export interface HttpPeer {
  /** Of the connection, as `127.0.0.1` or `::1`; `""` where it is not known. */
  readonly address: string;
}

/** Another server that has a copy of a volume. */
export interface PeerLocation {
  /** `host:port`, for servers. */
  readonly address: string;
  /** The same for clients, who are sent there. */
  readonly publicAddress: string;
}

/** The other servers of the cluster. */
export interface Peers {
  /** Those that have a copy of the volume, this server not among them. May fail. */
  locate(volumeId: number, signal: AbortSignal): Promise<readonly PeerLocation[]>;
  /** Default `http`. */
  readonly scheme?: 'http' | 'https';
  /**
   * The standard `fetch`, given and never imported. What the other server asks for beside the request (a certificate, a
   * token for the chunks of a file) is added here.
   */
  fetch(request: Request): Promise<Response>;
}

/** Asked before anything is read of a needle or of a body. A `Response` is the answer; `undefined` lets it in. */
export type Guard = (asked: GuardedRequest) => Response | undefined | Promise<Response | undefined>;

export interface DataApiOptions {
  readonly env: HttpEnvironment;
  readonly reads: ReadableVolumes;
  /** Default: nothing is written, and POST, PUT and DELETE are answered with 405. */
  readonly writes?: WritableVolumes;
  /** Default: this server is alone. */
  readonly peers?: Peers;
  /** What becomes of a read of a volume that is elsewhere. Default `proxy`; without `peers` always `local`: 404. */
  readonly readMode?: 'local' | 'proxy' | 'redirect';
  /** Default: everyone may. */
  readonly guard?: Guard;
  /** Whether a write is answered when it is on the disk, unless it says `fsync=true` itself. Default true. */
  readonly isDurable?: boolean;
  /** The type for an extension with its dot, in lower case. Default: the table of the package `mime`. */
  readonly mimeTypeOf?: (extension: string) => string | undefined;
  /** What `/status` says, beside the volumes. Default `Holdfast`. */
  readonly version?: string;
  readonly limits?: Partial<HttpLimits>;
}

const KiB = 1024;
const MiB = 1024 * KiB;

/** What one request may take. */
export interface HttpLimits {
  /** The content of an upload, as sent and unpacked. Beyond it 413. Default 256 MiB. */
  readonly uploadBytes: number;
  /** Header fields of an upload, names and values. Beyond it 431. Default 128 KiB: pairs are headers. */
  readonly headerBytes: number;
  /** Of a Range header. Beyond it 416. Default 64. */
  readonly ranges: number;
  /** Parts of a form. Beyond it 400. Default 100. */
  readonly formParts: number;
  /** What stands before the first part of a form, and behind the last one. Beyond it 400. Default 64 KiB. */
  readonly formPreambleBytes: number;
  /** All parts of a form that are not the file. Beyond it 400. Default 1 MiB. */
  readonly formFieldBytes: number;
  /** A chunk manifest. Beyond it 500. Default 8 MiB. */
  readonly manifestBytes: number;
  /** No byte of a body came, or none could be sent, for so long: the request is ended. Default 60 s. */
  readonly bodyIdleMs: number;
  /** Another server does not answer. Default 30 s. */
  readonly peerTimeoutMs: number;
}

export const defaultHttpLimits: HttpLimits = {
  uploadBytes: 256 * MiB,
  headerBytes: 128 * KiB,
  ranges: 64,
  formParts: 100,
  formPreambleBytes: 64 * KiB,
  formFieldBytes: 1 * MiB,
  manifestBytes: 8 * MiB,
  bodyIdleMs: 60_000,
  peerTimeoutMs: 30_000,
};
