import { oneOf } from './flag-values.js';
import type { ListFlag } from './flags.js';
import { parseVolumeRanges, type VolumeRange } from './volume-selection.js';

/** The flags of every verb. */
export const commonFlags = {
  json: { kind: 'switch', help: 'JSON lines on standard output, the summary object last' },
  'log-level': {
    kind: 'option',
    placeholder: 'LEVEL',
    help: 'what is logged to standard error: silent, error, warn, info, debug or trace',
    parse: oneOf('silent', 'error', 'warn', 'info', 'debug', 'trace'),
    fallback: 'warn',
  },
  help: { kind: 'switch', help: 'this page' },
} as const;

/** `--volume`, for every verb that is about volumes. */
export const volumeFlag: ListFlag<VolumeRange> = {
  kind: 'list',
  placeholder: 'N',
  help: 'volume ids: 7, 7-12 or 3,7-12 (default: all)',
  parse: parseVolumeRanges,
};

/** `--exclude`, beside `--volume`. */
export const excludeFlag: ListFlag<VolumeRange> = {
  kind: 'list',
  placeholder: 'N',
  help: 'volume ids to leave out',
  parse: parseVolumeRanges,
};
