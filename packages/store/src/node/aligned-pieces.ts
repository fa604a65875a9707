/** Memory of one WebAssembly page is aligned to the system's pages: nothing else in JavaScript says where it lies. */
const WASM_PAGE_BYTES = 64 * 1024;
const PIECE_BYTES = 2 * 1024 * 1024;
const PIECES_MAX = 4;

const idle: Uint8Array[] = [];
const waiting: ((piece: Uint8Array) => void)[] = [];
let made = 0;

/**
 * Lends one of few pieces of memory that begin at a page of the system's, all files together: a process that writes a
 * thousand volumes holds no more of them than one that writes one.
 */
export async function withAlignedPiece<T>(use: (piece: Uint8Array) => Promise<T>): Promise<T> {
  const piece = await take();
  try {
    return await use(piece);
  } finally {
    const next = waiting.shift();
    if (next === undefined) idle.push(piece);
    else next(piece);
  }
}

function take(): Uint8Array | Promise<Uint8Array> {
  const piece = idle.pop();
  if (piece !== undefined) return piece;
  if (made === PIECES_MAX) return new Promise((resolve) => waiting.push(resolve));
  made += 1;
  return new Uint8Array(new WebAssembly.Memory({ initial: PIECE_BYTES / WASM_PAGE_BYTES }).buffer);
}
