import { StoreError, type StoreErrorCode } from '../errors.js';

const CODES: Readonly<Record<string, StoreErrorCode>> = {
  ENOENT: 'not-found',
  ENOTDIR: 'not-found',
  EEXIST: 'exists',
  ENOTEMPTY: 'exists',
  ENOSPC: 'no-space',
  EDQUOT: 'no-space',
  EACCES: 'not-permitted',
  EPERM: 'not-permitted',
  EROFS: 'not-permitted',
};

const TEXTS: Partial<Record<StoreErrorCode, string>> = {
  'not-found': 'there is no such file',
  exists: 'it exists already',
  'no-space': 'the disk is full',
  'not-permitted': 'the system does not permit it',
  'links-unsupported': 'this file system has no hard links',
};

/** A file system that cannot link answers with one of these. */
const LINK_REFUSALS: ReadonlySet<string> = new Set([
  'EPERM',
  'EXDEV',
  'EOPNOTSUPP',
  'ENOTSUP',
  'ENOSYS',
  'EMLINK',
]);

function systemCodeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
}

/** The one place where a failure of the system becomes a `StoreError`. `action` is a verb: `read`, `rename`. */
export function translateError(action: string, path: string, cause: unknown): StoreError {
  if (cause instanceof StoreError) return cause;
  const systemCode = systemCodeOf(cause);
  const code =
    action === 'link' && LINK_REFUSALS.has(systemCode)
      ? 'links-unsupported'
      : (CODES[systemCode] ?? 'disk-failed');
  const known = systemCode === 'ENOTDIR' ? 'no directory is there' : TEXTS[code];
  const text = known ?? `the disk failed (${systemCode === '' ? String(cause) : systemCode})`;
  return new StoreError(code, `cannot ${action} ${path}: ${text}`, { path, cause });
}

/** Whether the system said that nothing has this path. */
export function isAbsence(cause: unknown): boolean {
  const code = systemCodeOf(cause);
  return code === 'ENOENT' || code === 'ENOTDIR';
}
