import { create, volumeServerPb as pb, RpcError } from '@holdfast/protocol';
import type { VolumeServer, VolumeServerHandlers } from './volume-server.js';

/** Says that it lives, or how a known master answers. Whoever calls cannot have it ask anybody else. */
export function pingCall({ env, master }: VolumeServer): VolumeServerHandlers {
  return {
    async ping({ target, targetType }, { signal }) {
      const startTimeNs = env.clock.nowNs();
      const isSelf = target === '' && targetType === '';
      const remoteTimeNs = isSelf ? 0n : await pingMaster(target, targetType, signal);
      return create(pb.PingResponseSchema, { startTimeNs, remoteTimeNs, stopTimeNs: env.clock.nowNs() });
    },
  };

  async function pingMaster(target: string, targetType: string, signal: AbortSignal): Promise<bigint> {
    const answeredNs = targetType === 'master' ? await master?.ping(target, signal) : undefined;
    if (answeredNs !== undefined) return answeredNs;
    throw new RpcError('invalid-argument', `unknown ping target ${target} of type ${targetType}`);
  }
}
