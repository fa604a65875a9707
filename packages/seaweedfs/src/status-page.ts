import { LeaderError, type SweepEntry } from '@holdfast/protocol';
import { type PageSource, readJsonPage } from './http-page.js';

/** The volume server's `/status`: one line a volume, fresh at once (protocol.md §4). */
export async function readStatusPage(
  source: PageSource,
  signal: AbortSignal,
): Promise<readonly SweepEntry[]> {
  const page = (await readJsonPage(source, signal)) as { readonly Volumes?: unknown } | null;
  const volumes = page?.Volumes ?? [];
  if (!Array.isArray(volumes)) throw new LeaderError('bad-answer', `${source.url}: no list of volumes`);
  return volumes.map((volume: unknown) => sweepEntry(volume, source.url));
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
