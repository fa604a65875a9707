import { readdirSync, readFileSync } from 'node:fs';
import { type IdxEntry, idxEntrySizeBytes, type OffsetWidthBytes, writeIdxEntry } from '@holdfast/format';
import type { RandomAccess } from '../src/index.js';

const FIXTURES = new URL('../../testkit/fixtures/', import.meta.url);

/** An array as a source; counts its reads. */
export interface BytesSource extends RandomAccess {
  readonly reads: { count: number };
}

export function sourceOf(bytes: Uint8Array): BytesSource {
  const reads = { count: 0 };
  return {
    reads,
    sizeBytes: async () => bytes.length,
    async readAt(offset, lengthBytes) {
      reads.count++;
      return bytes.slice(offset, offset + lengthBytes);
    },
  };
}

/** Zeros but for some stretches: a large file without its size in memory. */
export function sparseSource(
  sizeBytes: number,
  stretches: readonly { at: number; bytes: Uint8Array }[],
): RandomAccess {
  return {
    sizeBytes: async () => sizeBytes,
    async readAt(offset, lengthBytes) {
      const found = new Uint8Array(Math.max(0, Math.min(lengthBytes, sizeBytes - offset)));
      for (const { at, bytes } of stretches) {
        const from = Math.max(offset, at);
        const to = Math.min(offset + found.length, at + bytes.length);
        if (from < to) found.set(bytes.subarray(from - at, to - at), from - offset);
      }
      return found;
    },
  };
}

export function idxBytes(entries: readonly IdxEntry[], width: OffsetWidthBytes = 5): Uint8Array {
  const size = idxEntrySizeBytes(width);
  const bytes = new Uint8Array(entries.length * size);
  for (const [i, entry] of entries.entries()) writeIdxEntry(entry, width, bytes, i * size);
  return bytes;
}

export function list(directory = ''): string[] {
  return readdirSync(new URL(directory, FIXTURES)).sort();
}

export function read(path: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(path, FIXTURES)));
}

export interface Volume {
  readonly name: string;
  readonly dat: Uint8Array;
  readonly idx: Uint8Array;
  readonly vif: Uint8Array | undefined;
  readonly width: OffsetWidthBytes;
}

/** The files of one fixture; a missing one is empty. */
export function volume(name: string): Volume {
  const files = list(name).filter((file) => !file.startsWith('after-'));
  const content = (extension: string) => {
    const file = files.find((each) => each.endsWith(extension));
    return file === undefined ? undefined : read(`${name}/${file}`);
  };
  return {
    name,
    dat: content('.dat') ?? new Uint8Array(0),
    idx: content('.idx') ?? new Uint8Array(0),
    vif: content('.vif'),
    width: name.endsWith('-o4') ? 4 : 5,
  };
}

/** The undamaged volumes. */
export function goldenVolumes(): Volume[] {
  return list()
    .filter((name) => !/^(bad|recovery|evolution|far|README)/.test(name))
    .map(volume);
}

export function manifest<T>(name: string): T {
  return JSON.parse(new TextDecoder().decode(read(`${name}/manifest.json`))) as T;
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
