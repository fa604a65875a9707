import { FollowError } from '@holdfast/follower';
import { StoreError } from '@holdfast/store';

/** Whether it is one of the packages' own, which a program can go by. */
export function isTypedError(error: unknown): boolean {
  return error instanceof StoreError || error instanceof FollowError;
}

export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? ` ${error.code}` : '';
  return `${error.name}${code} ${error.stack ?? error.message}`;
}
