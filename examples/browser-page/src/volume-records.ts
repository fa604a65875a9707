import { createClient } from '@connectrpc/connect';
import { createGrpcWebTransport } from '@connectrpc/connect-web';
import {
  crc32c,
  type FramedRecord,
  idxEntrySizeBytes,
  NeedleFramer,
  type OffsetWidthBytes,
  parseIdxEntry,
  SUPER_BLOCK_SIZE_BYTES,
  type Version,
} from '@holdfast/format';
import { followPb, verifiedFollow } from '@holdfast/protocol';

/** What a leader tells a page. */
export type VolumeNews =
  /** First, and once: the generation that is followed. */
  | { readonly kind: 'generation'; readonly revision: number; readonly version: Version }
  /** A record that is durable on the leader. */
  | { readonly kind: 'record'; readonly record: FramedRecord; readonly isDeletion: boolean }
  /** Everything up to here has been told. */
  | { readonly kind: 'durable'; readonly datSizeBytes: number };

export interface VolumeRecordsOptions {
  /** Of a leader's Connect port: `http://host:port`. */
  readonly leaderUrl: string;
  readonly volumeId: number;
  readonly signal: AbortSignal;
}

/**
 * Every record of a volume, in its order, and each further one as it becomes durable. Each fence is checked, and the CRC
 * of each record. Ends by failing: with `LeaderError` `revision-changed` or a `ConnectError` when the leader is compacted.
 */
export async function* volumeRecords(options: VolumeRecordsOptions): AsyncGenerator<VolumeNews, void> {
  const { leaderUrl, volumeId, signal } = options;
  const client = createClient(followPb.FollowService, createGrpcWebTransport({ baseUrl: leaderUrl }));
  const { revision, lineageId, ...status } = await client.status({ volumeId }, { signal });
  const version = status.version as Version;
  const offsetWidthBytes = status.offsetWidthBytes as OffsetWidthBytes;
  yield { kind: 'generation', revision, version };

  const startOffset = SUPER_BLOCK_SIZE_BYTES;
  const position = { revision, lineageId, datOffset: BigInt(startOffset), idxOffset: 0n };
  const start = { case: 'position', value: position } as const;
  const answers = client.volumeFollow({ volumeId, start, stayOpen: true }, { signal });
  const framer = new NeedleFramer({ version, startOffset, collect: 'records' });
  let framed: FramedRecord[] = [];
  for await (const event of verifiedFollow(answers, crc32c)) {
    if (event.kind === 'bytes') framed.push(...framer.push(event.bytes));
    if (event.kind !== 'durable') continue;
    const live = liveOffsets(event.idxEntries, offsetWidthBytes);
    for (const record of framed) {
      const isDeletion = record.header.sizeBytes === 0 && !live.has(record.offset);
      yield { kind: 'record', record, isDeletion };
    }
    yield { kind: 'durable', datSizeBytes: event.datSizeBytes };
    framed = [];
  }
}

/** Where the records are that put a needle: of one without data only its entry tells whether it is a deletion. */
function liveOffsets(entries: Uint8Array, width: OffsetWidthBytes): ReadonlySet<number> {
  const live = new Set<number>();
  for (let at = 0; at < entries.length; at += idxEntrySizeBytes(width)) {
    const { offset, sizeBytes } = parseIdxEntry(entries, at, width);
    if (sizeBytes >= 0) live.add(offset);
  }
  return live;
}
