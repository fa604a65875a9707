import type { StoreEnvironment } from '@holdfast/store';
import * as v from 'valibot';
import { parseOwnJson } from './own-files.js';
import { byVolumeSchema, countSchema, decimalSchema, instantSchema } from './schema.js';
import { encodeByLine } from './status-file.js';
import { version } from './version.js';
import { runEntries } from './volume-status.js';

const FORMAT = 1;

const stateSchema = v.object({
  generation: countSchema,
  server: v.string(),
  revision: countSchema,
  datSize: countSchema,
  idxSize: countSchema,
  indexSerial: countSchema,
  lastAppendAtNs: decimalSchema,
  liveNeedles: countSchema,
  /** `contentDigest` of the generation: made of the digests of all its blocks. */
  digest: v.string(),
});

/** The bytes that are held, as far as they were committed when the record was made. */
export type RecordedState = Readonly<v.InferOutput<typeof stateSchema>>;

const recordedVolumeSchema = v.object({
  outcome: runEntries.outcome,
  ok: runEntries.ok,
  code: runEntries.code,
  lastRunAt: runEntries.lastRunAt,
  lastProofAt: runEntries.lastProofAt,
  /** What is held: `null` where nothing is. */
  held: v.nullable(stateSchema),
});

/** What a run left of one volume. */
export type RecordedVolume = Readonly<v.InferOutput<typeof recordedVolumeSchema>>;

const recordSchema = v.object({
  format: v.literal(FORMAT),
  serial: countSchema,
  /** SHA-256 of the record before; `null` in the first. */
  former: v.nullable(v.string()),
  /** SHA-256 of the last record of an earlier day (UTC): what links them when those between have been thinned out. */
  formerDay: v.nullable(v.string()),
  holdfast: v.string(),
  verb: v.string(),
  /** The cluster that DIR is bound to. */
  cluster: v.nullable(v.string()),
  startedAt: instantSchema,
  endedAt: instantSchema,
  /** Every volume that DIR knows, by base name. */
  volumes: byVolumeSchema(recordedVolumeSchema),
});

/** One file of `DIR/.holdfast/runs/`. Its name ends with the SHA-256 of its bytes, which the next one repeats. */
export type RunRecord = Readonly<v.InferOutput<typeof recordSchema>>;

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

/** `undefined` where the bytes are no record of this format: a record with a volume that is none is no record. */
export function decodeRunRecord(bytes: Uint8Array): RunRecord | undefined {
  const record = parseOwnJson(bytes);
  return v.is(recordSchema, record) ? record : undefined;
}
