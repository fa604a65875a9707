import { parseVolumeName } from '@holdfast/format';

/** Whether a value out of parsed JSON is what it is read as. */
export type Check = (value: unknown) => boolean;

/** A check for every field of `T`: what is missing here does not compile. */
export type Shape<T> = { readonly [K in keyof T]-?: Check };

/** 2286: what any clock that is right says is earlier, and `Date` still knows it. */
const INSTANT_MS_MAX = 1e13;
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;
const DECIMAL = /^\d{1,20}$/;

export const isText: Check = (value) => typeof value === 'string';
export const isFlag: Check = (value) => typeof value === 'boolean';
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isInstantMs: Check = (value) =>
  typeof value === 'number' && value >= 0 && value < INSTANT_MS_MAX;
export const isInstant: Check = (value) =>
  typeof value === 'string' && INSTANT.test(value) && !Number.isNaN(Date.parse(value));
/** A 64-bit number. */
export const isDecimal: Check = (value) => typeof value === 'string' && DECIMAL.test(value);

export function isOneOf(...values: readonly unknown[]): Check {
  return (value) => values.includes(value);
}

export function isNullOr(check: Check): Check {
  return (value) => value === null || check(value);
}

export function isMissingOr(check: Check): Check {
  return (value) => value === undefined || check(value);
}

export function isListOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}

/** Further fields may be there. */
export function hasShape<T>(shape: Shape<T>): (value: unknown) => value is T {
  const checks = Object.entries(shape) as [string, Check][];
  return (value): value is T =>
    isObject(value) &&
    checks.every(([name, check]) => check(Object.hasOwn(value, name) ? value[name] : undefined));
}

/** The entries of a JSON object that have the name of a volume and such a value; none where it is no object. */
export function volumesOf<T>(value: unknown, isIt: (value: unknown) => value is T): Record<string, T> {
  const entries = isObject(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, T] => isVolumeName(entry[0]) && isIt(entry[1])),
  );
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isVolumeName(text: string): boolean {
  try {
    parseVolumeName(text);
    return true;
  } catch {
    return false;
  }
}
