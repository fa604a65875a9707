import type { WriteMemory } from '../environment.js';

const WASM_PAGE_BYTES = 64 * 1024;
const PIECE_BYTES = 2 * 1024 * 1024;
const PIECES = 12;
/** What every disk of today takes: its pages are no larger. */
export const ALIGNMENT_BYTES = 4096;

const WORD_BYTES = 8;
const SCRATCH_BYTES = 64 * 1024;

/**
 * V8 copies to shared memory by words where both sides are aligned alike, and by single bytes where they are not: two copies, the
 * first to ordinary memory, take a quarter of the time.
 */
const scratch = new Uint8Array(SCRATCH_BYTES + WORD_BYTES);
/** Pieces that are not lent, the one that was used last at the end: those never used take no memory. */
let idle: Uint8Array[] | undefined;
let arena: ArrayBufferLike | undefined;

/** Memory of WebAssembly begins at a page of the system's: nothing else in JavaScript says where it lies. */
function makePieces(): Uint8Array[] {
  const pages = (PIECES * PIECE_BYTES) / WASM_PAGE_BYTES;
  try {
    arena = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer;
  } catch {
    // A process that may have no more of the address space.
    return [];
  }
  const buffer = arena;
  return Array.from(
    { length: PIECES },
    (_, piece) => new Uint8Array(buffer, piece * PIECE_BYTES, PIECE_BYTES),
  );
}

/** Few pieces that begin at a page of the system's, shared with other threads; ordinary memory where all of them are lent. */
export const nodeWriteMemory: WriteMemory = {
  pieceBytes: PIECE_BYTES,
  borrow() {
    idle ??= makePieces();
    return idle.pop() ?? new Uint8Array(PIECE_BYTES);
  },
  put(piece, at, bytes) {
    if (piece.buffer !== arena || (bytes.byteOffset - at) % WORD_BYTES === 0) {
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
    if (piece.buffer === arena) idle?.push(piece);
  },
};

/** Whether the bytes begin at a page of the system's: only of a piece that can be told. */
export function isPageAligned({ buffer, byteOffset }: Uint8Array): boolean {
  return buffer === arena && byteOffset % ALIGNMENT_BYTES === 0;
}
