import type { WriteMemory } from '../environment.js';

/** Memory of one WebAssembly page is aligned to the system's pages: nothing else in JavaScript says where it lies. */
const WASM_PAGE_BYTES = 64 * 1024;
const PIECE_BYTES = 2 * 1024 * 1024;
const WASM_PAGES = PIECE_BYTES / WASM_PAGE_BYTES;
const PIECES_MAX = 12;
/** What every disk of today takes: its pages are no larger. */
export const ALIGNMENT_BYTES = 4096;

const WORD_BYTES = 8;
const SCRATCH_BYTES = 64 * 1024;

/**
 * V8 copies to shared memory by words where both sides are aligned alike, and by single bytes where they are not: two copies, the
 * first to ordinary memory, take a quarter of the time.
 */
const scratch = new Uint8Array(SCRATCH_BYTES + WORD_BYTES);
const idle: Uint8Array[] = [];
const aligned = new WeakSet<ArrayBufferLike>();
let made = 0;

/** Few pieces that begin at a page of the system's, shared with other threads; ordinary memory where all of them are lent. */
export const nodeWriteMemory: WriteMemory = {
  pieceBytes: PIECE_BYTES,
  borrow() {
    const piece = idle.pop();
    if (piece !== undefined) return piece;
    if (made === PIECES_MAX) return new Uint8Array(PIECE_BYTES);
    made += 1;
    const { buffer } = new WebAssembly.Memory({ initial: WASM_PAGES, maximum: WASM_PAGES, shared: true });
    aligned.add(buffer);
    return new Uint8Array(buffer);
  },
  put(piece, at, bytes) {
    if (!aligned.has(piece.buffer) || (bytes.byteOffset - at) % WORD_BYTES === 0) {
      piece.set(bytes, at);
      return;
    }
    const scratchAt = at % WORD_BYTES;
    for (let done = 0; done < bytes.length; done += SCRATCH_BYTES) {
      const part = bytes.subarray(done, done + SCRATCH_BYTES);
      scratch.set(part, scratchAt);
      piece.set(scratch.subarray(scratchAt, scratchAt + part.length), at + done);
    }
  },
  giveBack(piece) {
    if (aligned.has(piece.buffer)) idle.push(piece);
  },
};

/** Whether the bytes begin at a page of the system's: only of a piece that can be told. */
export function isPageAligned({ buffer, byteOffset }: Uint8Array): boolean {
  return aligned.has(buffer) && byteOffset % ALIGNMENT_BYTES === 0;
}
