import { LeaderError, type SweepEntry } from '@holdfast/protocol';
import { type PageSource, parseJsonPage, readPage } from './http-page.js';

/** One sweep of a volume server. */
export type StatusSweep = (signal: AbortSignal) => Promise<readonly SweepEntry[]>;

/** The disks come before it, and what is free on them changes with every byte that anybody writes. */
const VOLUMES_MARK = '"Volumes":';

/**
 * Sweeps by the volume server's `/status`: one line a volume, fresh at once (protocol.md §4). Gives the same array as
 * before, and parses nothing, where the page says of the volumes what it said before.
 */
export function createStatusSweep(source: PageSource): StatusSweep {
  let last: { readonly text: string; readonly entries: readonly SweepEntry[] } | undefined;
  return async (signal) => {
    const page = await readPage(source, signal);
    const volumesAt = page.indexOf(VOLUMES_MARK);
    const text = volumesAt < 0 ? page : page.slice(volumesAt);
    if (text !== last?.text) last = { text, entries: readEntries(page, source.url) };
    return last.entries;
  };
}

function readEntries(text: string, url: string): readonly SweepEntry[] {
  const page = parseJsonPage(text, url) as { readonly Volumes?: unknown } | null;
  const volumes = page?.Volumes ?? [];
  if (!Array.isArray(volumes)) throw new LeaderError('bad-answer', `${url}: no list of volumes`);
  return volumes.map((volume: unknown) => sweepEntry(volume, url));
}

function sweepEntry(volume: unknown, url: string): SweepEntry {
  const fields = (volume ?? {}) as Readonly<Record<string, unknown>>;
  const number = (name: string): number => {
    const value = fields[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new LeaderError('bad-answer', `${url}: a volume whose ${name} is ${String(value)}`);
  };
  const { Collection: collection } = fields;
  if (typeof collection !== 'string')
    throw new LeaderError('bad-answer', `${url}: a volume without a collection`);
  return {
    volumeId: number('Id'),
    collection,
    contentBytes: number('Size'),
    fileCount: number('FileCount'),
    deleteCount: number('DeleteCount'),
    revision: number('CompactRevision'),
    modifiedAtSeconds: number('ModifiedAtSecond'),
  };
}
