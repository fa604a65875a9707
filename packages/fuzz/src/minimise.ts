import { joined } from './mutate.js';

/**
 * A shorter input that still fails: stretches are taken out, from large to small, then bytes are set to zero, as long as
 * `stillFails`. At most `triesMax` questions.
 */
export async function minimise(
  input: Uint8Array,
  stillFails: (input: Uint8Array) => Promise<boolean>,
  triesMax = 2000,
): Promise<Uint8Array> {
  let best = input;
  let tries = 0;
  const isBetter = async (candidate: Uint8Array): Promise<boolean> => {
    if (tries++ >= triesMax || !(await stillFails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let length = best.length >> 1; length > 0; length >>= 1) {
    for (let at = 0; at < best.length; ) {
      const candidate = joined(best.subarray(0, at), best.subarray(at + length));
      if (!(await isBetter(candidate))) at += length;
    }
  }
  for (let at = 0; at < best.length; at++) {
    if (best[at] === 0) continue;
    const candidate = best.slice();
    candidate[at] = 0;
    await isBetter(candidate);
  }
  return best;
}
