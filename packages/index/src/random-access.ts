/** Read access to bytes at any offset: a file, a remote range, an array. Offsets are bytes, below 2^53. */
export interface RandomAccess {
  /** The present length. */
  sizeBytes(): Promise<number>;
  /**
   * The bytes [offset, offset + lengthBytes), fewer only where the content ends first. The array belongs to the
   * caller.
   */
  readAt(offset: number, lengthBytes: number): Promise<Uint8Array>;
}
