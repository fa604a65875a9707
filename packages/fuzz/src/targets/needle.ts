import {
  crc32c,
  NEEDLE_HEADER_SIZE_BYTES,
  parseNeedle,
  recordLengthBytes,
  type Version,
  writeNeedle,
} from '@holdfast/format';
import { nativeCrc32c } from '@holdfast/format/node';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { joined, mutate } from '../mutate.js';
import { seedNeedles, VERSIONS, versionOf } from '../seed-needles.js';

/** One record, given whole: the first byte says of which version. */
export const needle: FuzzTarget = {
  name: 'needle',
  share: 160,
  prepare() {
    const seeds = VERSIONS.map(seedNeedles);
    return {
      make(dice) {
        const version = dice.below(VERSIONS.length);
        const record = mutate(dice, seeds[version]!);
        if (dice.once(2)) mendCrc(record, VERSIONS[version]!);
        return joined(Uint8Array.of(version), record);
      },
      run(input) {
        const [version, record] = [versionOf(input[0]), input.subarray(1)];
        const parsed = parseNeedle(record, version, { onBadCrc: 'report' });
        const data = dataOf(record, version);
        expectThat(Buffer.compare(parsed.data, data) === 0, 'the data are not those in the record');
        expectThat(parsed.crc === nativeCrc32c(data), `CRC ${parsed.crc}`);
        expectThat(record.length === recordLengthBytes(version, parsed.sizeBytes), 'padding is left over');
        if (!parsed.isCrcValid || data.length === 0) return;
        const again = parseNeedle(writeNeedle(parsed, version), version);
        expectThat(Buffer.compare(again.data, data) === 0, 'written and read the data are others');
        for (const field of ['needleId', 'cookie', 'appendAtNs', 'storedCrc', 'lastModifiedSeconds'] as const)
          expectThat(again[field] === parsed[field], `written and read ${field} is ${again[field]}`);
        for (const field of ['name', 'mime', 'pairs'] as const)
          expectThat(`${again[field]}` === `${parsed[field]}`, `written and read ${field} is another`);
      },
    };
  },
};

/** By the layout of the format page alone. */
function dataOf(record: Uint8Array, version: Version): Uint8Array {
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const sizeBytes = view.getUint32(12);
  const at = NEEDLE_HEADER_SIZE_BYTES;
  if (version === 1 || sizeBytes === 0) return record.subarray(at, at + sizeBytes);
  return record.subarray(at + 4, at + 4 + view.getUint32(at));
}

/** Gives a record the CRC of whatever its data are now, as far as its lengths still lead to one. */
export function mendCrc(record: Uint8Array, version: Version, at = 0): void {
  if (record.length < at + NEEDLE_HEADER_SIZE_BYTES + 4) return;
  const view = new DataView(record.buffer, record.byteOffset, record.length);
  const sizeBytes = view.getUint32(at + 12);
  const crcAt = at + NEEDLE_HEADER_SIZE_BYTES + sizeBytes;
  if (sizeBytes === 0 || crcAt + 4 > record.length) return;
  view.setUint32(crcAt, crc32c(dataOf(record.subarray(at), version)));
}
