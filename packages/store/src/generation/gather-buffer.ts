import type { WriteMemory } from '../environment.js';
import { bufferWithRoom } from './buffer-with-room.js';

/** What is longer than this part of a piece is gathered in one; most commits of a volume that is followed are not. */
const LEAST_PIECE_PART = 1 / 8;

/** Gathers what follows in a file into one long write. */
export interface GatherBuffer {
  /** Copies. `bytes` stand at `offset` in the file, behind what was put since the last `take`, and reach to the `windowEnd` of it at most. */
  put(bytes: Uint8Array, offset: number): void;
  /** All that was put since the last call: good until the next `put`. */
  take(): Uint8Array;
  /** Lets its memory go; nothing of it may be in use. */
  release(): void;
}

/** The bytes before it and from it on go into different writes, each as long as a piece and aligned like one. */
export function windowEnd(writeMemory: WriteMemory, offset: number): number {
  return offset - (offset % writeMemory.pieceBytes) + writeMemory.pieceBytes;
}

export function createGatherBuffer(writeMemory: WriteMemory): GatherBuffer {
  const { pieceBytes } = writeMemory;
  let memory: Uint8Array = new Uint8Array(0);
  let isPiece = false;
  let start = 0;
  let end = 0;

  /** In a piece every byte has its place in the window, so that the disk finds memory aligned as it wants it. */
  function moveToPiece(offset: number): void {
    const held = memory.subarray(start, end);
    memory = writeMemory.borrow();
    isPiece = true;
    start = offset % pieceBytes;
    end = start + held.length;
    writeMemory.put(memory, start, held);
  }

  return {
    put(bytes, offset) {
      if (start === end) {
        start = isPiece ? offset % pieceBytes : 0;
        end = start;
      }
      const neededBytes = end - start + bytes.length;
      if (!isPiece && neededBytes > pieceBytes * LEAST_PIECE_PART) moveToPiece(offset - (end - start));
      else if (!isPiece) memory = bufferWithRoom(memory, end, end + bytes.length);
      if (isPiece) writeMemory.put(memory, end, bytes);
      else memory.set(bytes, end);
      end += bytes.length;
    },
    take() {
      const taken = memory.subarray(start, end);
      start = end;
      return taken;
    },
    release() {
      if (isPiece) writeMemory.giveBack(memory);
      memory = new Uint8Array(0);
      isPiece = false;
      start = 0;
      end = 0;
    },
  };
}
