import { FormatError } from './errors.js';

/** What the files of a volume are named after; `collection` is `""` for the default one (format.md §1). */
export interface VolumeName {
  readonly collection: string;
  readonly volumeId: number;
}

const MAX_VOLUME_ID = 0xffff_ffff;
/** With the volume id, two generations of extensions and a temporary suffix a name stays below 255 bytes. */
const MAX_COLLECTION_BYTES = 200;
const utf8 = new TextEncoder();

/** `7` or `collection_7`, split at the last `_`. Fails with `bad-volume-name`, for an unsafe collection too. */
export function parseVolumeName(baseName: string): VolumeName {
  const split = baseName.lastIndexOf('_');
  const digits = baseName.slice(split + 1);
  const volumeId = Number(digits);
  if (!/^(0|[1-9][0-9]{0,9})$/.test(digits) || volumeId > MAX_VOLUME_ID || split === 0) {
    throw new FormatError('bad-volume-name', `not the name of a volume: ${JSON.stringify(baseName)}`, {
      expected: 'volume id, or collection_volume id',
      found: baseName,
    });
  }
  const collection = split < 0 ? '' : baseName.slice(0, split);
  assertSafeCollection(collection);
  return { collection, volumeId };
}

/** The base name of the volume's files. Fails with `bad-volume-name` where it would not be one safe file name. */
export function formatVolumeName(name: VolumeName): string {
  const { collection, volumeId } = name;
  if (!Number.isInteger(volumeId) || volumeId < 0 || volumeId > MAX_VOLUME_ID) {
    throw new FormatError('bad-volume-name', `not a volume id: ${volumeId}`, {
      expected: '0 to 4294967295',
      found: volumeId,
    });
  }
  assertSafeCollection(collection);
  return collection === '' ? `${volumeId}` : `${collection}_${volumeId}`;
}

/**
 * Whether files can be named after a collection. Its name comes from a peer and becomes part of a path: it must stay one
 * file name, without separators and control characters, of at most 200 bytes. SeaweedFS takes others, too.
 */
export function isSafeCollection(collection: string): boolean {
  // A cluster has most of its volumes here, and each is named many times.
  if (collection === '') return true;
  return !(
    collection === '.' ||
    collection === '..' ||
    /[/\\\p{Cc}\p{Cs}]/u.test(collection) ||
    utf8.encode(collection).length > MAX_COLLECTION_BYTES
  );
}

function assertSafeCollection(collection: string): void {
  if (isSafeCollection(collection)) return;
  throw new FormatError('bad-volume-name', `unsafe name of a collection: ${JSON.stringify(collection)}`, {
    expected: `at most ${MAX_COLLECTION_BYTES} bytes, no separators, no control characters`,
    found: collection,
  });
}
