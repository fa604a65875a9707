/** Bytes that name the put that they came with: no two fills give the same ones. */
export function needleData(fill: number, sizeBytes: number): Uint8Array {
  const data = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) data[at] = (fill >>> ((at & 3) * 8)) ^ (at * 7);
  return data;
}
