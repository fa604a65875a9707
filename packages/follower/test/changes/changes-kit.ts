import { type NeedleChange, readChanges } from '../../src/index.js';
import { type SyncKit, VOLUME_ID } from '../sync-kit.js';

/** A change in a line: `+1 hello`, `-1`, `!1`. */
export interface ToldChange {
  readonly text: string;
  readonly needleId: bigint;
  /** Of a put, in hex. */
  readonly data: string | undefined;
  readonly cursor: string;
}

export async function told(change: NeedleChange): Promise<ToldChange> {
  const { kind, needleId, cursor } = change;
  if (kind !== 'put')
    return { text: `${kind === 'delete' ? '-' : '!'}${needleId}`, needleId, data: undefined, cursor };
  const pieces: Uint8Array[] = [];
  for await (const piece of change.needle.data()) pieces.push(piece);
  const data = Buffer.concat(pieces);
  return { text: `+${needleId} ${data}`, needleId, data: data.toString('hex'), cursor };
}

/** All changes since a cursor, or so many. */
export async function changesSince(
  kit: SyncKit,
  since?: string,
  count = Number.POSITIVE_INFINITY,
): Promise<ToldChange[]> {
  const { env, directory, volume } = kit;
  const { signal } = new AbortController();
  const changes: ToldChange[] = [];
  for await (const change of readChanges(env, { directory, volume, since, signal })) {
    changes.push(await told(change));
    if (changes.length >= count) break;
  }
  return changes;
}

/** What the leader holds: needles by id, data in hex. */
export function liveOn(kit: SyncKit): Map<bigint, string> {
  const needles = kit.server.volumes.get(VOLUME_ID)?.liveNeedles() ?? [];
  return new Map(needles.map(({ needleId, data }) => [needleId, Buffer.from(data).toString('hex')]));
}

export function apply(live: Map<bigint, string>, changes: readonly ToldChange[]): Map<bigint, string> {
  for (const { needleId, data } of changes) {
    if (data === undefined) live.delete(needleId);
    else live.set(needleId, data);
  }
  return live;
}
