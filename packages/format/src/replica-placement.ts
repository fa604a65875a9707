import { FormatError } from './errors.js';

/** How many more copies there are, and where. Each 0 to 9; the decimal number xyz is at most 255. */
export interface ReplicaPlacement {
  readonly otherDataCenters: number;
  readonly otherRacks: number;
  readonly sameRack: number;
}

/** One byte, the decimal number xyz (format.md §2). Every value 0 to 255 is a placement. */
export function replicaPlacementFromByte(byte: number): ReplicaPlacement {
  return {
    otherDataCenters: Math.trunc(byte / 100),
    otherRacks: Math.trunc(byte / 10) % 10,
    sameRack: byte % 10,
  };
}

/** Fails with `bad-replica-placement` where the number does not fit a byte. */
export function replicaPlacementToByte(placement: ReplicaPlacement): number {
  const { otherDataCenters, otherRacks, sameRack } = placement;
  const digits = [otherDataCenters, otherRacks, sameRack];
  const value = 100 * otherDataCenters + 10 * otherRacks + sameRack;
  if (value > 255 || !digits.every((digit) => Number.isInteger(digit) && digit >= 0 && digit <= 9)) {
    throw new FormatError(
      'bad-replica-placement',
      `replica placement ${digits.join('')} does not fit one byte`,
      {
        expected: 'three digits, at most 255',
        found: digits.join(''),
      },
    );
  }
  return value;
}

/** `"001"`; fewer digits are filled up with zeros in front, `""` is `"000"`. Fails with `bad-replica-placement`. */
export function parseReplicaPlacement(text: string): ReplicaPlacement {
  if (!/^[0-9]{0,3}$/.test(text) || Number(text) > 255) {
    throw new FormatError('bad-replica-placement', `not a replica placement: ${JSON.stringify(text)}`, {
      expected: 'up to three digits, at most 255',
      found: text,
    });
  }
  return replicaPlacementFromByte(Number(text));
}

/** Always three digits, `"000"` for a single copy. */
export function formatReplicaPlacement(placement: ReplicaPlacement): string {
  return replicaPlacementToByte(placement).toString().padStart(3, '0');
}
