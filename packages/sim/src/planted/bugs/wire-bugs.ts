import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const STOCK_VOLUME = 'seaweedfs/src/stock-volume.ts';
const STOCK_STATUS = 'seaweedfs/src/stock-status.ts';
const BLOB_WINDOW = 'seaweedfs/src/blob-window.ts';

/** What is asked of a leader, and what is believed of its answers. */
export const WIRE_BUGS: readonly PlantedBug[] = huntedBy(
  ['follow'],
  [
    plantedBug(
      'ranges-grow-without-bound',
      8,
      'on a quick link ranges get longer and longer',
      'seaweedfs/src/range-pieces.ts',
      '        pieceBytes = Math.min(limits.rangeBytes, pieceBytes * 2);\n',
      '        pieceBytes *= 2;\n',
    ),
    plantedBug(
      'reconnect-inside-a-step',
      1,
      'a call that finds its connection gone makes another one, and the step goes on',
      'seaweedfs/src/seaweed-leader.ts',
      '      const caller = createStockCaller({ connection, address: grpcAddress, timers, limits });\n',
      `      let present = connection;
      const again = async () => {
        present = await transport.connect(grpcAddress, { signal, timeoutMs: limits.connectTimeoutMs });
        return present;
      };
      const reconnecting = {
        ...connection,
        unary: (...call) => present.unary(...call).catch(async () => (await again()).unary(...call)),
        async *stream(...call) {
          yield* present.stream(...call);
        },
        close: () => present.close(),
      };
      const caller = createStockCaller({ connection: reconnecting, address: grpcAddress, timers, limits });
`,
      ['step'],
    ),
    plantedBug(
      'empty-answer-taken-for-no-compaction',
      12,
      'an answer that was cut short before its first byte says that no compaction is open',
      STOCK_VOLUME,
      '        // What it holds does not matter.\n      }\n    } catch',
      '        return true;\n      }\n      seenClosedAtMs = askedAtMs;\n      return false;\n    } catch',
      ['step'],
    ),
    plantedBug(
      'front-cut-short-taken-for-a-tail',
      6,
      'a super block whose stream was cut short is taken for a tail that the status had rounded up',
      STOCK_VOLUME,
      '      if (receivedBytes <= endOffset - RECORD_ALIGNMENT_BYTES) throw cutShort(receivedBytes);\n',
      '      void [RECORD_ALIGNMENT_BYTES, cutShort];\n',
      ['step'],
    ),
    plantedBug(
      'width-assumed',
      1,
      'offsets are taken for four bytes wide',
      STOCK_STATUS,
      '  if (told === 4 || told === 5) return told;\n',
      '  if (told === 4 || told === 5) return 4;\n',
    ),
    plantedBug(
      'closed-volume-taken-for-a-tail',
      3,
      'a volume that a failed vacuum closed is an empty one',
      STOCK_STATUS,
      '  if (datFileSize < SUPER_BLOCK_SIZE_BYTES) {\n',
      '  if (datFileSize < 0n) {\n',
      ['step'],
    ),
    plantedBug(
      'negative-size-asked-for',
      12,
      'a range shorter than a record is asked for by a negative size',
      BLOB_WINDOW,
      'Math.max(Math.ceil(range.lengthBytes / 8) * 8, emptySizeBytes)',
      'Math.ceil(range.lengthBytes / 8) * 8',
    ),
    plantedBug(
      'range-reaches-past-the-tail',
      12,
      'windows begin with the range instead of ending with it',
      BLOB_WINDOW,
      '  const offset = range.offset + range.lengthBytes - lengthBytes;\n',
      '  const offset = range.offset;\n',
    ),
    plantedBug(
      'silence-waited-for',
      8,
      'a stream on which nothing comes is waited for without end',
      'seaweedfs/src/stock-caller.ts',
      '        const item = await (call.staysOpen ? iterator.next() : withinNoBytesTimeout(iterator, abort));',
      '        void withinNoBytesTimeout;\n          const item = await iterator.next();',
    ),
  ],
);
