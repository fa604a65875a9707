import { NEEDLE_HEADER_SIZE_BYTES } from '@holdfast/format';
import type { ByteRange } from '@holdfast/protocol';
import type { UnfinishedGeneration } from '@holdfast/store';
import { PROOF_BYTES, type Witness } from '../fence.js';
import { readPieces } from '../leader-read.js';
import { PassingBytes } from '../passing-bytes.js';
import type { VolumeRun } from '../run.js';
import { openPoolData, type PoolRecord, provedCrc } from './pool-record.js';
import { dataRange, fetchedRanges, type StepPlan } from './step-plan.js';
import type { TileCheck } from './tile-check.js';

/** What a step has written, not yet durably. */
export interface ReceivedStep {
  /** The first and the last bytes that the leader sent for it, to be read once more. */
  readonly ends: readonly Witness[];
  readonly reusedBytes: number;
}

/** Where a step's bytes go: in order, into the file and past the check of its records. */
export interface StepTarget {
  readonly unfinished: UnfinishedGeneration;
  readonly check: TileCheck;
}

/** Writes what the plan says, front to back. Whatever the pool does not prove to be the leader's is fetched. */
export async function receiveStep(run: VolumeRun, target: StepTarget, plan: StepPlan): Promise<ReceivedStep> {
  return plan.reused.length === 0
    ? { ends: await fetchStep(run, target, plan), reusedBytes: 0 }
    : await assembleStep(run, target, plan);
}

async function fetchStep(run: VolumeRun, target: StepTarget, plan: StepPlan): Promise<readonly Witness[]> {
  const { startOffset, endOffset } = plan;
  const lengthBytes = Math.min(PROOF_BYTES, endOffset - startOffset);
  const first = new PassingBytes({ offset: startOffset, lengthBytes });
  const last = new PassingBytes({ offset: endOffset - lengthBytes, lengthBytes });
  let at = startOffset;
  await fetchInto(run, target, { offset: startOffset, lengthBytes: endOffset - startOffset }, (chunk) => {
    first.push(chunk, at);
    last.push(chunk, at);
    at += chunk.length;
  });
  return [witness(first.offset, first.bytes), witness(last.offset, last.bytes)];
}

/** The windows around the data first: they say which data the pool may give. */
async function assembleStep(run: VolumeRun, target: StepTarget, plan: StepPlan): Promise<ReceivedStep> {
  const ranges = fetchedRanges(plan);
  const windows = await readPieces(run, ranges);
  const crcs = plan.reused.map((record, i) => storedCrcOf(record, windows[i]!, windows[i + 1]!));
  const refuted = plan.reused.filter((_, i) => crcs[i] === undefined).map(dataRange);
  const fetched = inTurn(run.volume.readRanges(refuted, run.signal));
  let reusedBytes = 0;
  try {
    await put(target, windows[0]!);
    for (const [i, record] of plan.reused.entries()) {
      const crc = crcs[i];
      if (crc === undefined) await fetched.take(record.dataSizeBytes, (chunk) => put(target, chunk));
      else reusedBytes += await putPoolData(run, target, record, crc);
      await put(target, windows[i + 1]!);
    }
  } finally {
    await fetched.close();
  }
  const [first, last] = [windows[0]!, windows.at(-1)!];
  const lastPart = last.subarray(-PROOF_BYTES);
  const ends = [
    witness(plan.startOffset, first.subarray(0, PROOF_BYTES)),
    witness(plan.endOffset - lastPart.length, lastPart),
  ];
  return { ends, reusedBytes };
}

function storedCrcOf(record: PoolRecord, before: Uint8Array, after: Uint8Array): number | undefined {
  const { tile, dataStart, dataSizeBytes } = record;
  const bodyEnd = NEEDLE_HEADER_SIZE_BYTES + tile.entry.sizeBytes;
  const head = before.subarray(before.length - dataStart);
  return provedCrc(record, head, after.subarray(bodyEnd - dataStart - dataSizeBytes));
}

/** Gives how many bytes came from the pool; the others were fetched. */
async function putPoolData(
  run: VolumeRun,
  target: StepTarget,
  record: PoolRecord,
  storedCrc: number,
): Promise<number> {
  const data = dataRange(record);
  const pieces = await openPoolData(record, storedCrc, run.env.crc32c);
  if (pieces === undefined) {
    await fetchInto(run, target, data);
    return 0;
  }
  let reusedBytes = 0;
  for await (const { at, lengthBytes, bytes } of pieces) {
    if (bytes === undefined) await fetchInto(run, target, { offset: data.offset + at, lengthBytes });
    else {
      await put(target, bytes);
      reusedBytes += lengthBytes;
    }
  }
  return reusedBytes;
}

async function fetchInto(
  run: VolumeRun,
  target: StepTarget,
  range: ByteRange,
  onChunk: (chunk: Uint8Array) => void = () => {},
): Promise<void> {
  await run.link.time([range], async () => {
    for await (const chunk of run.volume.readRanges([range], run.signal)) {
      await put(target, chunk);
      onChunk(chunk);
    }
  });
}

async function put({ unfinished, check }: StepTarget, bytes: Uint8Array): Promise<void> {
  await unfinished.write(bytes);
  check.push(bytes);
}

function witness(offset: number, bytes: Uint8Array): Witness {
  return { what: 'an end of the step', offset, bytes };
}

/** A stream of which a bounded part is taken at a time. */
function inTurn(stream: AsyncIterable<Uint8Array>) {
  const iterator = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async take(lengthBytes: number, each: (chunk: Uint8Array) => Promise<void>): Promise<void> {
      for (let left = lengthBytes; left > 0; ) {
        if (rest.length === 0) {
          const { done, value } = await iterator.next();
          if (done) throw new TypeError('a stream of ranges ended before they did');
          rest = value;
        }
        const part = rest.subarray(0, left);
        await each(part);
        rest = rest.subarray(part.length);
        left -= part.length;
      }
    },
    async close(): Promise<void> {
      await iterator.return?.();
    },
  };
}
