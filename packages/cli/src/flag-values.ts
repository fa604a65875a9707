import { type FileId, FormatError, parseFileId, parseInstant } from '@holdfast/format';
import { UsageError } from './usage-error.js';

const MILLISECONDS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};

/** A duration such as `500ms`, `1s`, `10m`, `72h` or `3d`, in milliseconds, within [`minMs`, `maxMs`]. */
export function durationMs(minMs: number, maxMs = 3650 * MILLISECONDS.d!): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
    const value = match === null ? Number.NaN : Number(match[1]) * MILLISECONDS[match[2]!]!;
    if (Number.isNaN(value)) throw new UsageError('write a duration such as 1s, 10m or 72h');
    if (value < minMs || value > maxMs) {
      throw new UsageError(`take a duration from ${formatDuration(minMs)} to ${formatDuration(maxMs)}`);
    }
    return value;
  };
}

/** The largest unit that divides exactly: `72h` stays `3d`, 1500 is `1500ms`. */
export function formatDuration(valueMs: number): string {
  for (const unit of ['d', 'h', 'm', 's'] as const) {
    if (valueMs !== 0 && valueMs % MILLISECONDS[unit]! === 0)
      return `${valueMs / MILLISECONDS[unit]!}${unit}`;
  }
  return `${valueMs}ms`;
}

/** A size such as `4096`, `500MB`, `10GiB`, in bytes, at least `minBytes`. */
export function sizeBytes(minBytes: number): (text: string) => number {
  return (text) => {
    const match = /^(\d+(?:\.\d+)?)\s*([kmgt]i?)?b?$/i.exec(text);
    const value =
      match === null ? Number.NaN : Math.floor(Number(match[1]) * BYTES[(match[2] ?? '').toLowerCase()]!);
    if (!Number.isSafeInteger(value)) throw new UsageError('write a size such as 500MB or 10GiB');
    if (value < minBytes) throw new UsageError(`take at least ${minBytes} bytes`);
    return value;
  };
}

/** A fraction as `20%` or `0.2`, from 0 to 1. */
export function fraction(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  const value = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(value >= 0 && value <= 1)) throw new UsageError('write a share from 0% to 100%, such as 20%');
  return value;
}

/** A whole number within [`min`, `max`]. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= min && value <= max)) throw new UsageError(`write a whole number from ${min} to ${max}`);
    return value;
  };
}

/** A TCP port; 0 takes a free one. */
export const port: (text: string) => number = integer(0, 65_535);

/** `HOST:PORT`, or `HOST:PORT.GRPCPORT` as SeaweedFS writes it. Given back as it is. */
export function address(text: string): string {
  const match = /^(?:\[[0-9a-fA-F:.]+\]|[^\s:[\]/]+):(\d{1,5})(?:\.(\d{1,5}))?$/.exec(text);
  const ports = match === null ? [0] : [match[1]!, match[2] ?? match[1]!].map(Number);
  if (ports.some((value) => value < 1 || value > 65_535)) {
    throw new UsageError('write HOST:PORT with a port from 1 to 65535, such as 127.0.0.1:9333');
  }
  return text;
}

/** Text that says something. */
export function nonEmpty(text: string): string {
  if (text === '') throw new UsageError('the value is empty');
  return text;
}

/** One of `words`. */
export function oneOf<const W extends string>(...words: readonly W[]): (text: string) => W {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new UsageError(`take one of ${words.join(', ')}`);
    return found;
  };
}

/**
 * An instant in RFC 3339 or in nanoseconds, or a day such as `2026-11-03`, which stands for its end (UTC). Milliseconds
 * since the Unix epoch.
 */
export function instantOrDayMs(text: string): number {
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(text);
  return parsed(
    () => Number(parseInstant(isDay ? `${text}T23:59:59.999Z` : text) / 1_000_000n),
    'write a day as 2026-11-03, or a time as 2026-11-03T12:00:00Z',
  );
}

/** An instant in Unix nanoseconds: RFC 3339 with its offset from UTC, or the number itself. */
export function instantNs(text: string): bigint {
  return parsed(
    () => parseInstant(text),
    'write an instant such as 2026-01-31T12:00:00Z, or in nanoseconds since 1970',
  );
}

/** A file id as SeaweedFS gives it. */
export function fileId(text: string): FileId {
  return parsed(() => parseFileId(text), 'write a file id such as 3,01637037d6');
}

function parsed<T>(parse: () => T, advice: string): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof FormatError) throw new UsageError(advice, { cause: error });
    throw error;
  }
}
