import type { Event, Moment, Operation } from './schedule.js';

/** One operation in a line, as a person reads it. */
export function describeOperation(operation: Operation): string {
  const { do: name, ...rest } = operation;
  const { moments, ...fields } = rest as Record<string, unknown> & { moments?: readonly Moment[] };
  const head = [name, ...Object.entries(fields).map(([field, value]) => `${field}=${value}`)].join(' ');
  if (moments === undefined || moments.length === 0) return head;
  return `${head}; ${moments.map(describeMoment).join('; ')}`;
}

function describeMoment({ before, count, event }: Moment): string {
  return `before ${before} ${count}: ${describeEvent(event)}`;
}

function describeEvent(event: Event): string {
  const { do: name, ...fields } = event;
  return [name, ...Object.entries(fields).map(([field, value]) => `${field}=${value}`)].join(' ');
}
