import { formatInstant, parseInstant } from '@holdfast/format';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const;
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const;
const DAY_SECONDS = 86_400;
const EPOCH_WEEKDAY = 4;
const NS_PER_SECOND = 1_000_000_000n;

/** Unix seconds as an HTTP date (RFC 9110 §5.6.7). */
export function formatHttpDate(seconds: number): string {
  const [date, time] = formatInstant(BigInt(seconds) * NS_PER_SECOND).split(/[TZ]/) as [string, string];
  const [year, month, day] = date.split('-') as [string, string, string];
  const weekday = DAYS[(Math.floor(seconds / DAY_SECONDS) + EPOCH_WEEKDAY) % DAYS.length];
  return `${weekday}, ${day} ${MONTHS[Number(month) - 1]} ${year} ${time} GMT`;
}

const IMF_FIXDATE = /^[A-Z][a-z]{2}, ([0-9]{2}) ([A-Z][a-z]{2}) ([0-9]{4}) ([0-9]{2}:[0-9]{2}:[0-9]{2}) GMT$/;

/** Unix seconds of an HTTP date in the form that is sent today; `undefined` for anything else, which then does not count. */
export function parseHttpDate(text: string): number | undefined {
  const [, day, monthName, year, time] = IMF_FIXDATE.exec(text) ?? [];
  if (time === undefined) return undefined;
  const month = MONTHS.indexOf(monthName as (typeof MONTHS)[number]) + 1;
  try {
    const instantNs = parseInstant(`${year}-${`${month}`.padStart(2, '0')}-${day}T${time}Z`);
    return Number(instantNs / NS_PER_SECOND);
  } catch {
    return undefined;
  }
}
