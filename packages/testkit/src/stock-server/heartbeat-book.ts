import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { masterPb, RpcError } from '@holdfast/protocol';

/** What a master knows of volume servers by their heartbeats (protocol.md §2). */
export interface HeartbeatBook {
  /** By `ip:port`: the beat that told last of all volumes. */
  readonly registered: ReadonlyMap<string, masterPb.Heartbeat>;
  /** Beats so far, of every server. */
  readonly beatCount: number;
  /** Where a volume is, by what is registered. */
  locations(volumeId: number): readonly MessageInitShape<typeof masterPb.LocationSchema>[];
  receive(
    beats: AsyncIterable<masterPb.Heartbeat>,
    signal: AbortSignal,
  ): AsyncGenerator<masterPb.HeartbeatResponse, void>;
}

const VOLUME_SIZE_LIMIT_BYTES = 30n << 30n;

/** `leader` is asked for each answer. */
export function createHeartbeatBook(leader: () => string): HeartbeatBook {
  const registered = new Map<string, masterPb.Heartbeat>();
  let beatCount = 0;

  const duplicatesOf = (beat: masterPb.Heartbeat): string[] =>
    [...registered.values()].flatMap(({ locationUuids }) =>
      locationUuids.filter((uuid) => beat.locationUuids.includes(uuid)),
    );

  return {
    registered,
    locations: (volumeId) =>
      [...registered]
        .filter(([, { volumes }]) => volumes.some(({ id }) => id === volumeId))
        .map(([url, { publicUrl, grpcPort, dataCenter }]) => ({ url, publicUrl, grpcPort, dataCenter })),
    get beatCount() {
      return beatCount;
    },
    async *receive(beats, signal) {
      let key: string | undefined;
      try {
        for await (const beat of beats) {
          if (signal.aborted) return;
          beatCount++;
          if (key === undefined) {
            const duplicatedUuids = duplicatesOf(beat);
            if (duplicatedUuids.length > 0) {
              yield create(masterPb.HeartbeatResponseSchema, { duplicatedUuids });
              throw new RpcError('unknown', 'volume server is refused: duplicate uuids');
            }
            yield create(masterPb.HeartbeatResponseSchema, { volumeSizeLimit: VOLUME_SIZE_LIMIT_BYTES });
          }
          key = `${beat.ip}:${beat.port}`;
          // A list replaces what was known; an empty one changes nothing without its flag.
          if (beat.volumes.length > 0 || beat.hasNoVolumes || !registered.has(key)) registered.set(key, beat);
          yield create(masterPb.HeartbeatResponseSchema, { leader: leader() });
        }
      } finally {
        if (key !== undefined) registered.delete(key);
      }
    },
  };
}
