import { basename, dirname, resolve } from 'node:path';
import { formatReplicaPlacement, formatTtl, NO_TTL } from '@holdfast/format';
import {
  type InspectedNeedle,
  inspectNeedles,
  inspectVolume,
  openVolume,
  type UnreadableNeedle,
  type Volume,
  type VolumeInspection,
} from '@holdfast/store';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { formatBytes, formatNeedleId, formatTable } from '../output.js';
import { UsageError } from '../usage-error.js';
import { defineVerb, type VerbContext } from '../verb.js';

export const inspect = defineVerb({
  name: 'inspect',
  summary: 'shows what is in a volume; changes nothing',
  positionals: ['FILE.dat'],
  flags: {
    needles: { kind: 'switch', help: 'one line for each live needle, each read and checked' },
  },
  examples: ['holdfast inspect /backup/7.dat', 'holdfast inspect /backup/7.dat --needles --json'],
  async run(flags, [file], context) {
    const path = resolve(file!);
    if (!path.endsWith('.dat')) throw new UsageError(`${file} is no .dat file: name the .dat of a volume`);
    const volume = await openVolume(context.env, {
      directory: dirname(path),
      name: basename(path, '.dat'),
      mode: 'read',
      signal: context.signal,
    });
    try {
      const unreadable = flags.needles ? await showNeedles(volume, context) : 0;
      await showVolume(path, volume, unreadable, context);
      const code: ExitCode = unreadable === 0 ? exitCodes.done : exitCodes.damaged;
      return code;
    } finally {
      await volume.close();
    }
  },
});

/** How many could not be read. */
async function showNeedles(volume: Volume, { env, output, signal }: VerbContext): Promise<number> {
  let unreadable = 0;
  for await (const needle of inspectNeedles(env, volume, signal)) {
    const line = 'error' in needle ? unreadableLine(needle) : needleLine(needle);
    if ('error' in needle) unreadable += 1;
    output.event(line, needleText(needle));
  }
  return unreadable;
}

/** The needle as `--json` prints it: ids, cookies and CRCs in hex, 64-bit numbers as strings. */
function needleLine(needle: InspectedNeedle): Record<string, unknown> {
  return {
    id: formatNeedleId(needle.needleId),
    cookie: hex32(needle.cookie),
    offset: needle.offset,
    size: needle.sizeBytes,
    dataSize: needle.dataSizeBytes,
    name: needle.name,
    mime: needle.mime,
    ttl: formatTtl(needle.ttl ?? NO_TTL),
    lastModified: needle.lastModifiedSeconds,
    appendAtNs: needle.appendAtNs.toString(),
    crc: hex32(needle.crc),
    dataSha256: Buffer.from(needle.dataSha256).toString('hex'),
    isCompressed: needle.isCompressed,
    pairs: needle.pairs,
  };
}

function unreadableLine({ needleId, offset, sizeBytes, error }: UnreadableNeedle): Record<string, unknown> {
  return { id: formatNeedleId(needleId), offset, size: sizeBytes, error };
}

function needleText(needle: InspectedNeedle | UnreadableNeedle): string {
  const place = `${formatNeedleId(needle.needleId)} at ${needle.offset}`;
  if ('error' in needle) return `${place}: cannot be read: ${needle.error}`;
  const words = [place, `${needle.dataSizeBytes} bytes`, `crc ${hex32(needle.crc)}`];
  if (needle.name !== '') words.push(needle.name);
  if (needle.mime !== '') words.push(needle.mime);
  return words.join('  ');
}

async function showVolume(
  path: string,
  volume: Volume,
  unreadable: number,
  { output, signal }: VerbContext,
): Promise<void> {
  const inspection = await inspectVolume(volume, signal);
  const { superBlock, version, offsetWidthBytes, stats } = inspection;
  const { recovery, info } = volume;
  const order = orderOf(inspection);
  output.summary(
    {
      ok: unreadable === 0,
      path,
      superBlock: {
        version: superBlock.version,
        replication: formatReplicaPlacement(superBlock.replicaPlacement),
        ttl: formatTtl(superBlock.ttl),
        compactionRevision: superBlock.compactionRevision,
      },
      recordVersion: version,
      offsetWidth: offsetWidthBytes,
      readOnly: info.readOnly,
      datSize: stats.datSizeBytes,
      idxSize: stats.idxSizeBytes,
      liveNeedles: stats.liveNeedles,
      deletedNeedles: stats.deletedNeedles,
      liveBytes: stats.liveBytes,
      garbageBytes: stats.garbageBytes,
      lastAppendAtNs: stats.lastAppendAtNs.toString(),
      order,
      recovery,
      unreadableNeedles: unreadable,
    },
    formatTable([
      ['file', path],
      [
        'version',
        `${superBlock.version}${version === superBlock.version ? '' : ` (records of version ${version})`}`,
      ],
      ['replication', formatReplicaPlacement(superBlock.replicaPlacement)],
      ['ttl', formatTtl(superBlock.ttl) || 'none'],
      ['revision', `${superBlock.compactionRevision}`],
      ['offsets', `${offsetWidthBytes} bytes`],
      [
        'data',
        `${stats.datSizeBytes} bytes (${formatBytes(stats.datSizeBytes)}), index ${stats.idxSizeBytes} bytes`,
      ],
      ['needles', `${stats.liveNeedles} live, ${stats.deletedNeedles} deleted`],
      ['garbage', `${stats.garbageBytes} bytes, ${formatBytes(stats.liveBytes)} live`],
      [
        'order',
        order === null
          ? 'no time stamps'
          : order.isSorted
            ? 'by time throughout'
            : `by time from entry ${order.suffixStartEntry} of ${order.entryCount}`,
      ],
      ['recovery', needsMending(recovery) ? 'the files need mending: see holdfast verify' : 'none needed'],
    ]),
  );
}

function orderOf({ order }: VolumeInspection) {
  if (order === undefined) return null;
  const { entryCount, suffixStartEntry, misfitCount } = order;
  return {
    entryCount,
    suffixStartEntry,
    greatestBeforeNs: order.greatestBeforeNs.toString(),
    misfitCount,
    isSorted: suffixStartEntry === 0 && misfitCount === 0,
  };
}

function needsMending(recovery: Volume['recovery']): boolean {
  const { compaction, cutBytes, paddedBytes, droppedEntries, droppedPartialEntryBytes, addedEntries } =
    recovery;
  return (
    compaction !== 'none' ||
    cutBytes + paddedBytes + droppedEntries + droppedPartialEntryBytes + addedEntries > 0
  );
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}
