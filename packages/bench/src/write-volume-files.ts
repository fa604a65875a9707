import { randomBytes } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { parseNeedleHeader, SUPER_BLOCK_SIZE_BYTES, writeIdxEntry, writeNeedle } from '@holdfast/format';
import { nativeCrc32c } from '@holdfast/format/node';

export interface VolumeContent {
  /** How much data the needles hold together. */
  readonly sizeBytes: number;
  readonly needleBytes: number;
}

/** The first stamp; each needle's is one later. Long past, so that a server's own stamps come behind. */
const FIRST_STAMP_NS = 1_700_000_000_000_000_000n;
const WRITE_BYTES = 8 * 1024 * 1024;
/** Data is cut out of this pool at varying places: no two needles are the same, and none compresses. */
const POOL_EXTRA_BYTES = 1 << 16;

/**
 * Fills an empty volume's files with needles, behind the super block that is there, as uploads one after the other
 * would. For a server that is stopped: much faster than through it.
 */
export async function fillVolumeFiles(
  datPath: string,
  idxPath: string,
  { sizeBytes, needleBytes }: VolumeContent,
): Promise<void> {
  const pool = randomBytes(needleBytes + POOL_EXTRA_BYTES);
  const dat = await open(datPath, 'r+');
  const idx = await open(idxPath, 'r+');
  try {
    const records = gatherWrites(dat, SUPER_BLOCK_SIZE_BYTES);
    const entries = gatherWrites(idx, 0);
    const count = Math.ceil(sizeBytes / needleBytes);
    for (let number = 0; number < count; number++) {
      const poolAt = (number * 7919) % POOL_EXTRA_BYTES;
      const needleId = BigInt(number + 1);
      const record = writeNeedle(
        {
          cookie: number + 1,
          needleId,
          data: pool.subarray(poolAt, poolAt + needleBytes),
          name: '',
          mime: '',
          lastModifiedSeconds: 1_700_000_000,
          appendAtNs: FIRST_STAMP_NS + needleId,
        },
        3,
        { crc32c: nativeCrc32c },
      );
      const { sizeBytes } = parseNeedleHeader(record);
      await entries.add(writeIdxEntry({ needleId, offset: records.endOffset, sizeBytes }, 5));
      await records.add(record);
    }
    await records.flush();
    await entries.flush();
    await dat.sync();
    await idx.sync();
  } finally {
    await dat.close();
    await idx.close();
  }
}

interface GatheredWrites {
  readonly endOffset: number;
  add(bytes: Uint8Array): Promise<void>;
  flush(): Promise<void>;
}

function gatherWrites(file: FileHandle, startOffset: number): GatheredWrites {
  let writtenOffset = startOffset;
  let endOffset = startOffset;
  let waiting: Uint8Array[] = [];

  async function flush(): Promise<void> {
    await file.write(Buffer.concat(waiting), 0, endOffset - writtenOffset, writtenOffset);
    writtenOffset = endOffset;
    waiting = [];
  }

  return {
    get endOffset() {
      return endOffset;
    },
    async add(bytes) {
      waiting.push(bytes);
      endOffset += bytes.length;
      if (endOffset - writtenOffset >= WRITE_BYTES) await flush();
    },
    flush,
  };
}
