import { FormatError } from './errors.js';
import type { OffsetWidthBytes } from './idx-entry.js';

/** The `.vif` of a volume (format.md §6). */
export interface VolumeInfo {
  /** Names of remote files; not empty: a tiered volume whose `.dat` is elsewhere. Kept as found. */
  readonly files: readonly unknown[];
  /** 0 where not said. The super block's version counts, not this one. */
  readonly version: number;
  /** Not empty: overrides the super block's placement. */
  readonly replication: string;
  /** `undefined` where not said. */
  readonly offsetWidthBytes: OffsetWidthBytes | undefined;
  readonly datFileSizeBytes: bigint;
  /** Unix seconds at which the volume goes, 0 for never. */
  readonly expireAtSeconds: bigint;
  readonly readOnly: boolean;
  /** Deletes are taken though `readOnly`. */
  readonly readOnlyCanDelete: boolean;
  /** Present for erasure-coded volumes. Kept as found. */
  readonly ecShardConfig: unknown;
}

/** What an absent or empty `.vif` says: nothing. */
export const EMPTY_VOLUME_INFO: VolumeInfo = Object.freeze({
  files: Object.freeze([]),
  version: 0,
  replication: '',
  offsetWidthBytes: undefined,
  datFileSizeBytes: 0n,
  expireAtSeconds: 0n,
  readOnly: false,
  readOnlyCanDelete: false,
  ecShardConfig: null,
});

/** What may stand for one field, the present name first. */
const NAMES = {
  files: ['files'],
  version: ['version'],
  replication: ['replication'],
  offsetWidth: ['bytesOffset', 'bytes_offset', 'BytesOffset'],
  datFileSize: ['datFileSize', 'dat_file_size'],
  expireAt: ['expireAtSec', 'expire_at_sec', 'DestroyTime', 'destroyTime'],
  readOnly: ['readOnly', 'read_only'],
  readOnlyCanDelete: ['readOnlyCanDelete', 'read_only_can_delete'],
  ecShardConfig: ['ecShardConfig', 'ec_shard_config'],
} as const;

/**
 * Reads the JSON, new names and old ones; unknown ones are passed over, `""` is `EMPTY_VOLUME_INFO`. Fails with
 * `bad-volume-info` where it is no JSON object or a field has the wrong type. (A server goes on with defaults then;
 * whether to do so is the caller's to decide.)
 */
export function parseVolumeInfo(text: string): VolumeInfo {
  if (text.trim() === '') return EMPTY_VOLUME_INFO;
  const json = parseObject(text);
  const field = (names: readonly string[]) => names.map((name) => json[name]).find((value) => value != null);
  return {
    files: listOf(field(NAMES.files)),
    version: Number(integerOf(field(NAMES.version), 'version')),
    replication: textOf(field(NAMES.replication)),
    offsetWidthBytes: offsetWidthOf(integerOf(field(NAMES.offsetWidth), 'bytesOffset')),
    datFileSizeBytes: integerOf(field(NAMES.datFileSize), 'datFileSize'),
    expireAtSeconds: integerOf(field(NAMES.expireAt), 'expireAtSec'),
    readOnly: flagOf(field(NAMES.readOnly), 'readOnly'),
    readOnlyCanDelete: flagOf(field(NAMES.readOnlyCanDelete), 'readOnlyCanDelete'),
    ecShardConfig: field(NAMES.ecShardConfig) ?? null,
  };
}

/** The JSON as a server writes it: every field, two spaces of indent, 64-bit numbers as strings. */
export function writeVolumeInfo(info: VolumeInfo): string {
  return JSON.stringify(
    {
      files: info.files,
      version: info.version,
      replication: info.replication,
      bytesOffset: info.offsetWidthBytes ?? 0,
      datFileSize: info.datFileSizeBytes.toString(),
      expireAtSec: info.expireAtSeconds.toString(),
      readOnly: info.readOnly,
      ecShardConfig: info.ecShardConfig ?? null,
      readOnlyCanDelete: info.readOnlyCanDelete,
    },
    null,
    2,
  );
}

function parseObject(text: string): Record<string, unknown> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new FormatError('bad-volume-info', 'the volume info is not JSON', { expected: 'JSON', cause });
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw wrong('the whole', 'an object', json);
  return json as Record<string, unknown>;
}

function listOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw wrong('files', 'a list', value);
  return value;
}

function textOf(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value !== 'string') throw wrong('replication', 'a string', value);
  return value;
}

function flagOf(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw wrong(name, 'true or false', value);
  return value;
}

/** A number or its decimal text: JSON of protobuf writes 64-bit numbers as strings. */
function integerOf(value: unknown, name: string): bigint {
  if (value === undefined) return 0n;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^-?[0-9]{1,20}$/.test(value)) return BigInt(value);
  throw wrong(name, 'an integer', value);
}

function offsetWidthOf(value: bigint): OffsetWidthBytes | undefined {
  if (value === 0n) return undefined;
  if (value === 4n) return 4;
  if (value === 5n) return 5;
  throw wrong('bytesOffset', '4 or 5', value.toString());
}

function wrong(name: string, expected: string, value: unknown): FormatError {
  const found = (JSON.stringify(value) ?? '').slice(0, 80);
  return new FormatError('bad-volume-info', `volume info: ${name} should be ${expected}, is ${found}`, {
    expected,
    found,
  });
}
