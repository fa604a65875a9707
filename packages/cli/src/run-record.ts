import type { StoreEnvironment } from '@holdfast/store';
import {
  hasShape,
  isCount,
  isDecimal,
  isInstant,
  isNullOr,
  isObject,
  isOneOf,
  isText,
  volumesOf,
} from './shape.js';
import { encodeByLine } from './status-file.js';
import { version } from './version.js';
import { RUN_SHAPE, type VolumeRun } from './volume-status.js';

const FORMAT = 1;

/** What a run left of one volume. */
export interface RecordedVolume {
  readonly outcome: VolumeRun['outcome'];
  readonly ok: boolean;
  readonly code: string | null;
  readonly lastRunAt: string;
  readonly lastProofAt: string | null;
  /** What is held: `null` where nothing is. */
  readonly held: RecordedState | null;
}

/** The bytes that are held, as far as they were committed when the record was made. */
export interface RecordedState {
  readonly generation: number;
  readonly server: string;
  readonly revision: number;
  readonly datSize: number;
  readonly idxSize: number;
  readonly indexSerial: number;
  readonly lastAppendAtNs: string;
  readonly liveNeedles: number;
  /** `contentDigest` of the generation: made of the digests of all its blocks. */
  readonly digest: string;
}

/** One file of `DIR/.holdfast/runs/`. Its name ends with the SHA-256 of its bytes, which the next one repeats. */
export interface RunRecord {
  readonly format: typeof FORMAT;
  readonly serial: number;
  /** SHA-256 of the record before; `null` in the first. */
  readonly former: string | null;
  /** SHA-256 of the last record of an earlier day (UTC): what links them when those between have been thinned out. */
  readonly formerDay: string | null;
  readonly holdfast: string;
  readonly verb: string;
  /** The cluster that DIR is bound to. */
  readonly cluster: string | null;
  readonly startedAt: string;
  readonly endedAt: string;
  /** Every volume that DIR knows, by base name. */
  readonly volumes: Readonly<Record<string, RecordedVolume>>;
}

/** What the name of a record says. */
export interface RunRecordName {
  readonly name: string;
  readonly serial: number;
  readonly endedAtMs: number;
  /** `2026-11-03` */
  readonly day: string;
  readonly sha256: string;
}

/** Fifteen digits: more records than there are milliseconds in thirty thousand years. */
export const GREATEST_SERIAL = 1e15 - 1;
const NAME =
  /^([0-9]{8,15})-([0-9]{4})([0-9]{2})([0-9]{2})T([0-9]{2})([0-9]{2})([0-9]{2})Z-([0-9a-f]{64})\.json$/;

/** `00000042-20261103T101500Z-<SHA-256>.json`; `undefined` for what is no record. */
export function parseRunRecordName(name: string): RunRecordName | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, serial, year, month, date, hour, minute, second, sha256] = match;
  const day = `${year}-${month}-${date}`;
  const endedAtMs = Date.parse(`${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(endedAtMs)
    ? undefined
    : { name, serial: Number(serial), endedAtMs, day, sha256: sha256! };
}

export function encodeRunRecord(
  record: Omit<RunRecord, 'format' | 'holdfast'>,
  sha256: StoreEnvironment['sha256'],
): { readonly name: RunRecordName; readonly text: string } {
  const { volumes, ...head } = record;
  const text = encodeByLine({ format: FORMAT, holdfast: version, ...head }, volumes);
  const digest = Buffer.from(sha256(new TextEncoder().encode(text))).toString('hex');
  const time = `${record.endedAt.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
  const name = parseRunRecordName(`${record.serial.toString().padStart(8, '0')}-${time}-${digest}.json`)!;
  return { name, text };
}

const isState = hasShape<RecordedState>({
  generation: isCount,
  server: isText,
  revision: isCount,
  datSize: isCount,
  idxSize: isCount,
  indexSerial: isCount,
  lastAppendAtNs: isDecimal,
  liveNeedles: isCount,
  digest: isText,
});
const isRecordedVolume = hasShape<RecordedVolume>({
  outcome: RUN_SHAPE.outcome,
  ok: RUN_SHAPE.ok,
  code: RUN_SHAPE.code,
  lastRunAt: RUN_SHAPE.lastRunAt,
  lastProofAt: RUN_SHAPE.lastProofAt,
  held: isNullOr(isState),
});
const isRecord = hasShape<Omit<RunRecord, 'volumes'>>({
  format: isOneOf(FORMAT),
  serial: isCount,
  former: isNullOr(isText),
  formerDay: isNullOr(isText),
  holdfast: isText,
  verb: isText,
  cluster: isNullOr(isText),
  startedAt: isInstant,
  endedAt: isInstant,
});

/** `undefined` where the bytes are no record of this format: a record with a volume that is none is no record. */
export function decodeRunRecord(bytes: Uint8Array): RunRecord | undefined {
  const record = parsed(bytes);
  if (!isRecord(record)) return undefined;
  const { volumes } = record as { readonly volumes?: unknown };
  const known = volumesOf(volumes, isRecordedVolume);
  const isWhole = isObject(volumes) && Object.keys(volumes).length === Object.keys(known).length;
  return isWhole ? { ...record, volumes: known } : undefined;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
