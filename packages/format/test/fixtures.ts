import { readdirSync, readFileSync } from 'node:fs';
import { parseSuperBlock, recordLengthBytes, SUPER_BLOCK_SIZE_BYTES, type Version } from '../src/index.js';

const FIXTURES = new URL('../../testkit/fixtures/', import.meta.url);

export interface ManifestRecord {
  readonly offset: number;
  readonly end: number;
  readonly key: string;
  readonly size: number;
  readonly serverMeta?: { readonly cookie: number; readonly crc: number; readonly append_at_ns: string };
}

export interface ManifestLive {
  readonly key: string;
  readonly cookie: string;
  readonly size: number;
  readonly sha256: string;
  readonly name?: string;
  readonly mime?: string;
  readonly isCompressed?: boolean;
  readonly lastModified?: number;
  readonly storedSize?: number;
  readonly storedSha256?: string;
  readonly pairs?: Readonly<Record<string, string>>;
  readonly etag?: string;
  readonly readBack?: { readonly needleStatus?: { readonly ttl?: string } };
}

export interface Manifest {
  readonly name: string;
  readonly version: Version;
  readonly offsetBytes: 4 | 5;
  readonly superBlock: {
    readonly bytesHex: string;
    readonly replication: string;
    readonly ttl: string;
    readonly compactionRevision: number;
  };
  readonly records: readonly ManifestRecord[];
  readonly live: readonly ManifestLive[];
}

export interface Golden {
  readonly name: string;
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  readonly manifest: Manifest;
}

export function read(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, FIXTURES)));
}

export function list(directory = ''): string[] {
  return readdirSync(new URL(directory, FIXTURES)).sort();
}

/** The undamaged volumes, each with its manifest. */
export function goldens(): Golden[] {
  return list()
    .filter((name) => !/^(bad|recovery|evolution|far|README)/.test(name))
    .map((name) => {
      const files = list(name);
      const file = (extension: string) => files.find((each) => each.endsWith(extension))!;
      const manifest = JSON.parse(new TextDecoder().decode(read(`${name}/manifest.json`))) as Manifest;
      return { name, dat: read(`${name}/${file('.dat')}`), idx: read(`${name}/${file('.idx')}`), manifest };
    });
}

/** Every undamaged `.dat` there is, the leaders of the evolutions included. */
export function goldenDats(): { name: string; dat: Uint8Array; version: Version }[] {
  const evolved = list()
    .filter((name) => name.startsWith('evolution-'))
    .flatMap((name) =>
      list(name)
        .filter((step) => /^[0-9]+$/.test(step))
        .map((step) => ({ name: `${name}/${step}`, dat: read(`${name}/${step}/leader.dat`) })),
    );
  return [...goldens(), ...evolved].map(({ name, dat }) => ({ name, dat, version: layoutOf(name, dat) }));
}

/** One fixture's label is not what its records are: that is what it is there for. */
export function layoutOf(name: string, dat: Uint8Array): Version {
  return name.startsWith('version2-label-v3-records') ? 3 : parseSuperBlock(dat).version;
}

/** Record by record with nothing but the sizes in their headers: independent of the framer. */
export function cutRecords(dat: Uint8Array, version: Version): { offset: number; bytes: Uint8Array }[] {
  const view = new DataView(dat.buffer, dat.byteOffset, dat.byteLength);
  const records: { offset: number; bytes: Uint8Array }[] = [];
  for (let offset = SUPER_BLOCK_SIZE_BYTES; offset < dat.length; ) {
    const end = offset + recordLengthBytes(version, view.getInt32(offset + 12));
    records.push({ offset, bytes: dat.slice(offset, end) });
    offset = end;
  }
  return records;
}
