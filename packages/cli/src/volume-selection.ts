import { UsageError } from './usage-error.js';

const MAX_VOLUME_ID = 0xffff_ffff;

/** Volume ids from `first` to `last`, both included. */
export interface VolumeRange {
  readonly first: number;
  readonly last: number;
}

/** Which volumes a verb is about. */
export interface VolumeSelection {
  /** Empty: all of them. */
  readonly volumes: readonly VolumeRange[];
  readonly exclude: readonly VolumeRange[];
  /** `undefined`: every collection. `""`: the one without a name. */
  readonly collection: string | undefined;
}

/** Parses `7`, `7-12` and lists such as `3,7-12`. */
export function parseVolumeRanges(text: string): readonly VolumeRange[] {
  return text.split(',').map((part) => {
    const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part.trim());
    const first = match === null ? 0 : Number(match[1]);
    const last = match === null ? 0 : Number(match[2] ?? match[1]);
    if (first < 1 || last > MAX_VOLUME_ID || first > last) {
      throw new UsageError('write volume ids such as 7, 7-12 or 3,7-12');
    }
    return { first, last };
  });
}

/** Whether the selection takes in this volume. */
export function isSelected(selection: VolumeSelection, volumeId: number, collection: string): boolean {
  const within = (ranges: readonly VolumeRange[]) =>
    ranges.some(({ first, last }) => volumeId >= first && volumeId <= last);
  if (selection.collection !== undefined && selection.collection !== collection) return false;
  return (selection.volumes.length === 0 || within(selection.volumes)) && !within(selection.exclude);
}

/** The ids that were asked for one by one: each has to exist. */
export function namedVolumes(selection: VolumeSelection): readonly number[] {
  return selection.volumes.filter(({ first, last }) => first === last).map(({ first }) => first);
}

/** The selection in the words of the command line, for messages. */
export function describeSelection(selection: VolumeSelection): string {
  const show = ({ first, last }: VolumeRange) => (first === last ? `${first}` : `${first}-${last}`);
  const parts: string[] = [];
  if (selection.volumes.length > 0) parts.push(`--volume ${selection.volumes.map(show).join(',')}`);
  if (selection.collection !== undefined) parts.push(`--collection '${selection.collection}'`);
  if (selection.exclude.length > 0) parts.push(`--exclude ${selection.exclude.map(show).join(',')}`);
  return parts.length === 0 ? 'all volumes' : parts.join(' ');
}
