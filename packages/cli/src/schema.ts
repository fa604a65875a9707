import { parseVolumeName } from '@holdfast/format';
import * as v from 'valibot';

/** 2286: what any clock that is right says is earlier, and `Date` still knows it. */
const INSTANT_MS_MAX = 1e13;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
const DECIMAL = /^\d{1,20}$/;

export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
export const instantMsSchema = v.pipe(v.number(), v.minValue(0), v.ltValue(INSTANT_MS_MAX));
/** RFC 3339, UTC. */
export const instantSchema = v.pipe(
  v.string(),
  v.regex(INSTANT),
  v.check((text) => !Number.isNaN(Date.parse(text))),
);
/** A 64-bit number. */
export const decimalSchema = v.pipe(v.string(), v.regex(DECIMAL));
const volumeNameSchema = v.pipe(v.string(), v.check(isVolumeName));

/** What is of this schema, by the name of its volume. */
export function byVolumeSchema<S extends v.GenericSchema>(schema: S) {
  return v.record(volumeNameSchema, schema);
}

/** The entries of a JSON object that have the name of a volume and such a value; none where it is no object. */
export function volumesOf<S extends v.GenericSchema>(
  value: unknown,
  schema: S,
): Record<string, v.InferOutput<S>> {
  if (typeof value !== 'object' || value === null) return {};
  const entries = Object.entries(value).filter(([name, one]) => isVolumeName(name) && v.is(schema, one));
  return Object.fromEntries(entries);
}

function isVolumeName(text: string): boolean {
  try {
    parseVolumeName(text);
    return true;
  } catch {
    return false;
  }
}
