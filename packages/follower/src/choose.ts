import type { LeaderStatus } from '@holdfast/protocol';
import type { GenerationPosition, LeaderCopyId } from '@holdfast/store';

/** What the figures alone say; the overlap proof has still to hold before `append` or `idle` is done. */
export type Choice =
  | { readonly kind: 'idle' }
  | { readonly kind: 'append' }
  /** The `.dat` stands where the leader's does, the `.idx` does not. */
  | { readonly kind: 'adopt-index' }
  | { readonly kind: 'build'; readonly reason: string };

/** What the figures say, without the proofs (docs/follow-protocol.md). */
export function choose(
  position: GenerationPosition | undefined,
  leaderCopy: LeaderCopyId,
  status: LeaderStatus,
): Choice {
  if (position === undefined) return build('nothing is held');
  const held = position.leaderCopy;
  if (held.server !== leaderCopy.server)
    return build(`another leader copy: ${leaderCopy.server}, was ${held.server}`);
  if (position.revision !== status.revision)
    return build(`the leader was compacted: revision ${status.revision}, held ${position.revision}`);
  if (position.lineageId !== (status.lineageId ?? null)) return build('another lineage');
  if (position.offsetWidthBytes !== status.offsetWidthBytes) return build('another offset width');
  if (position.datSizeBytes > status.datSizeBytes)
    return build(`the leader ends at ${status.datSizeBytes}, held are ${position.datSizeBytes}`);
  const aheadBytes = status.datSizeBytes - position.datSizeBytes;
  const isAtTail = aheadBytes === 0 || aheadBytes === position.leaderTailBytes;
  if (isAtTail) return { kind: position.idxSizeBytes === status.idxSizeBytes ? 'idle' : 'adopt-index' };
  if (position.idxSizeBytes > status.idxSizeBytes) return build("the leader's index is shorter");
  return { kind: 'append' };
}

function build(reason: string): Choice {
  return { kind: 'build', reason };
}
