import type { OffsetWidthBytes, Version } from '@holdfast/format';
import type { FileStat } from '../disk.js';
import { StoreError } from '../errors.js';
import { type CheckedFields, DECIMAL } from './checked-fields.js';
import type { BuildTarget, GenerationPosition, LeaderCopyId } from './position.js';
import type { Json } from './sealed-file.js';

/** By what a file is recognised: at once by inode and mtime (with its committed length), else by its digests. */
export interface FileIdentity {
  readonly fileKey: string;
  readonly mtimeNs: bigint;
  /** Hex digest of the bytes behind the last whole block of the committed length; empty if there are none. */
  readonly tailDigest: string;
}

/** The content of `position.json`: the position, and the identity of the files that it speaks of. */
export interface PositionRecord {
  readonly position: GenerationPosition;
  /** Which index file of the generation `idxSizeBytes` counts in: one more with each index adopted. */
  readonly indexSerial: number;
  /** Wall time of the commit that moved the lengths last. */
  readonly committedAtMs: number;
  readonly dat: FileIdentity;
  readonly idx: FileIdentity;
}

/** The content of `build.json`: how far an unfinished generation is durable. */
export interface BuildRecord {
  readonly target: BuildTarget;
  readonly builtBytes: number;
  readonly dat: FileIdentity;
  /** `null` until the whole `.idx` is there. */
  readonly idx: FileIdentity | null;
}

const HEX_DIGEST = /^([0-9a-f]{64})?$/;
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const REVISION_MAX = 0xffff;
const VOLUME_ID_MAX = 0xffffffff;

/** Whether `stat` is the file of `identity` with nothing written to it since, as far as its metadata tell. */
export function isSameFile(identity: FileIdentity, sizeBytes: number, stat: FileStat): boolean {
  return (
    stat.fileKey === identity.fileKey &&
    stat.mtimeNs === identity.mtimeNs &&
    stat.sizeBytes === sizeBytes &&
    stat.kind === 'file'
  );
}

export function encodePositionRecord(record: PositionRecord): Json {
  return {
    position: encodePosition(record.position),
    indexSerial: record.indexSerial,
    committedAtMs: record.committedAtMs,
    dat: encodeIdentity(record.dat),
    idx: encodeIdentity(record.idx),
  };
}

export function decodePositionRecord(fields: CheckedFields): PositionRecord {
  return {
    position: decodePosition(fields.object('position')),
    indexSerial: fields.integer('indexSerial'),
    committedAtMs: fields.integer('committedAtMs'),
    dat: decodeIdentity(fields.object('dat')),
    idx: decodeIdentity(fields.object('idx')),
  };
}

export function encodeBuildRecord(record: BuildRecord): Json {
  const { target } = record;
  return {
    target: { ...target, leaderCopy: encodeLeaderCopy(target.leaderCopy) },
    builtBytes: record.builtBytes,
    dat: encodeIdentity(record.dat),
    idx: record.idx === null ? null : encodeIdentity(record.idx),
  };
}

export function decodeBuildRecord(fields: CheckedFields): BuildRecord {
  const target = fields.object('target');
  const idx = fields.objectOrNull('idx');
  return {
    target: {
      leaderCopy: decodeLeaderCopy(target.object('leaderCopy')),
      lineageId: target.textOrNull('lineageId'),
      revision: target.integer('revision', REVISION_MAX),
      version: decodeVersion(target),
      offsetWidthBytes: decodeOffsetWidth(target),
      datSizeBytes: target.integer('datSizeBytes'),
      idxSizeBytes: target.integer('idxSizeBytes'),
      anchorOffset: target.integer('anchorOffset'),
      anchorBase64: target.text('anchorBase64', BASE64),
      usesPool: target.flag('usesPool'),
    },
    builtBytes: fields.integer('builtBytes'),
    dat: decodeIdentity(fields.object('dat')),
    idx: idx === null ? null : decodeIdentity(idx),
  };
}

function encodePosition(position: GenerationPosition): Json {
  return {
    ...position,
    leaderCopy: encodeLeaderCopy(position.leaderCopy),
    leaderDamage: position.leaderDamage.map((damage) => ({ ...damage })),
  };
}

function decodePosition(fields: CheckedFields): GenerationPosition {
  const datSizeBytes = fields.integer('datSizeBytes');
  return {
    leaderCopy: decodeLeaderCopy(fields.object('leaderCopy')),
    lineageId: fields.textOrNull('lineageId'),
    revision: fields.integer('revision', REVISION_MAX),
    version: decodeVersion(fields),
    offsetWidthBytes: decodeOffsetWidth(fields),
    datSizeBytes,
    idxSizeBytes: fields.integer('idxSizeBytes'),
    proofOffset: fields.integer('proofOffset', datSizeBytes),
    lastAppendAtNs: fields.text('lastAppendAtNs', DECIMAL),
    liveNeedles: fields.integer('liveNeedles'),
    greatestLiveNeedles: fields.integer('greatestLiveNeedles'),
    countedIdxSizeBytes: fields.integerIfThere('countedIdxSizeBytes'),
    leaderTailBytes: fields.integer('leaderTailBytes'),
    leaderDamage: fields.list('leaderDamage').map((damage) => ({
      offset: damage.integer('offset'),
      needleId: damage.textOrNull('needleId', DECIMAL),
      reason: damage.text('reason'),
    })),
  };
}

function encodeLeaderCopy(leaderCopy: LeaderCopyId): Json {
  return { ...leaderCopy };
}

function decodeLeaderCopy(fields: CheckedFields): LeaderCopyId {
  return {
    server: fields.text('server'),
    volumeId: fields.integer('volumeId', VOLUME_ID_MAX),
    collection: fields.text('collection'),
  };
}

function encodeIdentity(identity: FileIdentity): Json {
  return {
    fileKey: identity.fileKey,
    mtimeNs: identity.mtimeNs.toString(),
    tailDigest: identity.tailDigest,
  };
}

function decodeIdentity(fields: CheckedFields): FileIdentity {
  return {
    fileKey: fields.text('fileKey'),
    mtimeNs: BigInt(fields.text('mtimeNs', /^-?[0-9]{1,20}$/)),
    tailDigest: fields.text('tailDigest', HEX_DIGEST),
  };
}

function decodeVersion(fields: CheckedFields): Version {
  const version = fields.integer('version');
  if (version === 1 || version === 2 || version === 3) return version;
  throw new StoreError('position-damaged', `a position speaks of volume version ${version}`, {
    found: version,
  });
}

function decodeOffsetWidth(fields: CheckedFields): OffsetWidthBytes {
  const width = fields.integer('offsetWidthBytes');
  if (width === 4 || width === 5) return width;
  throw new StoreError('position-damaged', `a position speaks of ${width}-byte offsets`, { found: width });
}
