/** Most commits of a volume that is followed are of a few kilobytes: there is no need to clear a megabyte for each. */
const FIRST_BUFFER_BYTES = 1 << 14;

/** A buffer of at least `neededBytes`: this one, or a longer one with its first `usedBytes`. */
export function bufferWithRoom(
  buffer: Uint8Array | undefined,
  usedBytes: number,
  neededBytes: number,
): Uint8Array {
  if (buffer !== undefined && buffer.length >= neededBytes) return buffer;
  let capacityBytes = Math.max(FIRST_BUFFER_BYTES, 2 * (buffer?.length ?? 0));
  while (capacityBytes < neededBytes) capacityBytes *= 2;
  const longer = new Uint8Array(capacityBytes);
  if (buffer !== undefined) longer.set(buffer.subarray(0, usedBytes));
  return longer;
}
