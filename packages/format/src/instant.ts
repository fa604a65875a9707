import { FormatError } from './errors.js';

const NS_PER_SECOND = 1_000_000_000n;
const SECONDS_PER_DAY = 86_400;
/** From 0000-03-01, where the arithmetic begins a year so that a leap day is its last, to 1970-01-01. */
const DAYS_TO_EPOCH = 719_468;
const DAYS_PER_ERA = 146_097;
const YEARS_PER_ERA = 400;

const NANOSECONDS = /^[0-9]{1,21}$/;
const RFC_3339 =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})$/;

/**
 * Unix nanoseconds of an instant written as RFC 3339, to the nanosecond, or as decimal nanoseconds. A time without its
 * offset from UTC says no instant. Fails with `bad-instant`.
 */
export function parseInstant(text: string): bigint {
  if (NANOSECONDS.test(text)) return BigInt(text);
  const match = RFC_3339.exec(text);
  if (match === null) throw badInstant(text);
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as number[];
  const isTime = hour! < 24 && minute! < 60 && second! < 60;
  const days = daysSinceEpoch(year!, month!, day!);
  if (!isTime || month! < 1 || month! > 12 || formatDay(days) !== text.slice(0, 10)) throw badInstant(text);
  const offsetSeconds = parseOffset(match[8]!);
  const seconds = days * SECONDS_PER_DAY + hour! * 3600 + minute! * 60 + second! - offsetSeconds;
  const instantNs = BigInt(seconds) * NS_PER_SECOND + BigInt((match[7] ?? '').padEnd(9, '0'));
  if (instantNs < 0n) throw badInstant(text);
  return instantNs;
}

/** RFC 3339 in UTC; of the fraction as many digits as say something, in groups of three. */
export function formatInstant(instantNs: bigint): string {
  const seconds = Number(instantNs / NS_PER_SECOND);
  const fraction = (instantNs % NS_PER_SECOND).toString().padStart(9, '0');
  const days = Math.floor(seconds / SECONDS_PER_DAY);
  const [hour, minute, second] = [
    Math.floor((seconds % SECONDS_PER_DAY) / 3600),
    Math.floor((seconds % 3600) / 60),
    seconds % 60,
  ].map(twoDigits);
  const shown = fraction.replace(/(?:000)+$/, '');
  return `${formatDay(days)}T${hour}:${minute}:${second}${shown === '' ? '' : `.${shown}`}Z`;
}

function daysSinceEpoch(year: number, month: number, day: number): number {
  const shiftedYear = month > 2 ? year : year - 1;
  const era = Math.floor(shiftedYear / YEARS_PER_ERA);
  const yearOfEra = shiftedYear - era * YEARS_PER_ERA;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * DAYS_PER_ERA + dayOfEra - DAYS_TO_EPOCH;
}

function formatDay(days: number): string {
  const shifted = days + DAYS_TO_EPOCH;
  const era = Math.floor(shifted / DAYS_PER_ERA);
  const dayOfEra = shifted - era * DAYS_PER_ERA;
  const leapDays =
    -Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra + leapDays) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  const year = era * YEARS_PER_ERA + yearOfEra + (month <= 2 ? 1 : 0);
  return `${year.toString().padStart(4, '0')}-${twoDigits(month)}-${twoDigits(day)}`;
}

/** Seconds east of UTC. */
function parseOffset(text: string): number {
  if (text === 'Z' || text === 'z') return 0;
  const sign = text.startsWith('-') ? -1 : 1;
  const [hours, minutes] = text.slice(1).split(':').map(Number) as [number, number];
  if (hours > 23 || minutes > 59) throw badInstant(text);
  return sign * (hours * 3600 + minutes * 60);
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0');
}

function badInstant(text: string): FormatError {
  return new FormatError('bad-instant', `not an instant: ${JSON.stringify(text)}`, {
    expected: 'RFC 3339 with its offset, as 2026-01-31T12:00:00Z, or nanoseconds since 1970',
    found: text,
  });
}
