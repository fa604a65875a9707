import { FormatError, type FramedRecord, NeedleFramer, parseNeedle, type Version } from '@holdfast/format';
import type { Dice } from '../dice.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { joined, mutate } from '../mutate.js';
import { seedNeedles, VERSIONS, versionOf } from '../seed-needles.js';
import { mendCrc } from './needle.js';

const MAX_RECORD_BYTES = 1 << 15;

/** A stream of records, cut anywhere: the same records and the same error as in one piece. */
export const framer: FuzzTarget = {
  name: 'framer',
  share: 140,
  prepare() {
    const seeds = VERSIONS.map((version) => {
      const records = seedNeedles(version);
      return [joined(...records), joined(...records.slice(0, 3), ...records.slice(0, 2)), ...records];
    });
    return {
      make(dice) {
        const version = dice.below(VERSIONS.length);
        const stream = mutate(dice, seeds[version]!);
        if (dice.once(2)) mendCrc(stream, VERSIONS[version]!);
        return joined(Uint8Array.of(version), stream);
      },
      run(input, dice) {
        const [version, stream] = [versionOf(input[0]), input.subarray(1)];
        const whole = frame(version, [stream]);
        const split = frame(version, splits(stream, dice));
        expectThat(whole.code === split.code, `in one piece ${whole.code}, in parts ${split.code}`);
        expectThat(whole.boundary === split.boundary, 'another boundary in parts');
        expectThat(
          JSON.stringify(whole.records.map(told)) === JSON.stringify(split.records.map(told)),
          'other records in parts',
        );
        for (const record of split.records) {
          const bytes = stream.subarray(record.offset, record.offset + record.lengthBytes);
          expectThat(
            Buffer.compare(record.bytes!, bytes) === 0,
            `the bytes of the record at ${record.offset}`,
          );
          agreesWithParser(record, bytes, version);
        }
        expectThat(whole.boundary <= stream.length, 'a boundary behind the end');
        if (whole.code === undefined) expectThat(whole.boundary === stream.length, 'bytes are left over');
      },
    };
  },
};

function frame(version: Version, chunks: readonly Uint8Array[]) {
  const options = { version, startOffset: 0, collect: 'records', maxRecordBytes: MAX_RECORD_BYTES } as const;
  const framed = new NeedleFramer(options);
  const records: FramedRecord[] = [];
  let code: string | undefined;
  try {
    for (const chunk of chunks) records.push(...framed.push(chunk));
    framed.end();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    code = error.code;
  }
  return { records, code, boundary: framed.boundaryOffset };
}

function splits(stream: Uint8Array, dice: Dice): Uint8Array[] {
  const longest = dice.pick([1, 8, 64, 4096]);
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const length = 1 + dice.below(longest);
    chunks.push(stream.slice(at, at + length));
    at += length;
  }
  return chunks;
}

function told({ offset, lengthBytes, header, dataSizeBytes, crc, storedCrc, appendAtNs }: FramedRecord) {
  return [
    offset,
    lengthBytes,
    `${header.needleId}`,
    header.cookie,
    dataSizeBytes,
    crc,
    storedCrc,
    `${appendAtNs}`,
  ];
}

/** The parser may refuse a body whose fields do not fit; what both read, they read alike. */
function agreesWithParser(record: FramedRecord, bytes: Uint8Array, version: Version): void {
  try {
    const parsed = parseNeedle(bytes, version, { onBadCrc: 'report' });
    expectThat(parsed.isCrcValid === record.isCrcValid, `CRC at ${record.offset}`);
    expectThat(parsed.dataSizeBytes === record.dataSizeBytes, `data size at ${record.offset}`);
    expectThat(parsed.appendAtNs === record.appendAtNs, `stamp at ${record.offset}`);
  } catch (error) {
    if (!(error instanceof FormatError && error.code === 'bad-body')) throw error;
  }
}
