import type { StoreEnvironment } from '@holdfast/store';
import { createNodeSha256, nodeSha256 } from '@holdfast/store/node';

/** Two blocks, of which each has a digest. */
const PIECE_BYTES = 128 * 1024;

/**
 * What the store computes and gathers with, all of it in virtual time. Memory that is lent comes and goes spoilt, for whoever takes
 * it for what was there; digests of blocks come later than they are asked for.
 */
export function createSimulatedStorePorts(
  pieceBytes = PIECE_BYTES,
): Pick<StoreEnvironment, 'sha256' | 'sha256Blocks' | 'createSha256' | 'writeMemory'> {
  return {
    sha256: nodeSha256,
    createSha256: createNodeSha256,
    async sha256Blocks(bytes, blockBytes) {
      await Promise.resolve();
      const digests: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += blockBytes)
        digests.push(nodeSha256(bytes.subarray(at, at + blockBytes)));
      return Buffer.concat(digests);
    },
    writeMemory: {
      pieceBytes,
      borrow: () => new Uint8Array(pieceBytes).fill(0xdb),
      put: (piece, at, bytes) => piece.set(bytes, at),
      giveBack(piece) {
        piece.fill(0xdb);
      },
    },
  };
}
