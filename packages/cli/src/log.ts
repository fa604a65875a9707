import { type Logger, pino } from 'pino';

/** Logs to standard error, one JSON object a line, written before the call returns. */
export function createLog(level: string): Logger {
  return pino({ level, base: null }, pino.destination({ dest: 2, sync: true }));
}
