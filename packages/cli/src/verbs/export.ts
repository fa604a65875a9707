import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ensureFree, isFollowing, openGenerationVolume, openVolume, type Volume } from '@holdfast/store';
import { type ExitCode, exitCodes } from '../exit-code.js';
import { type ExportedFile, exportVolume } from '../export/export-volume.js';
import {
  byteStream,
  createFolderSink,
  createTarSink,
  type FileSink,
  openByteFile,
} from '../export/file-sink.js';
import { nonEmpty } from '../flag-values.js';
import type { FlagValues } from '../flags.js';
import { type LocalVolume, selectLocalVolumes } from '../local-volumes.js';
import { makeFolder } from '../make-folder.js';
import { createOutput, formatBytes, formatNeedleId, type Output } from '../output.js';
import { directoryFlag, selectionFlags, selectionOf } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
import { defineVerb, type VerbContext } from '../verb.js';

/** Of what the summary lists; each is an event of its own, too. */
const MAX_LISTED = 1000;

const exportFlags = {
  dir: directoryFlag,
  volume: selectionFlags.volume,
  collection: selectionFlags.collection,
  out: {
    kind: 'option',
    placeholder: 'DIR',
    help: 'a folder that is empty or not there yet',
    parse: nonEmpty,
  },
  tar: {
    kind: 'option',
    placeholder: 'FILE',
    help: 'a tar archive instead, a new file; - is standard output',
    parse: nonEmpty,
  },
  raw: { kind: 'switch', help: 'content as stored: what is compressed is not unpacked' },
} as const;

export const exportVerb = defineVerb({
  name: 'export',
  summary: 'writes the files in a volume to a folder or a tar archive, under safe names',
  positionals: [],
  flags: exportFlags,
  examples: [
    'holdfast export --dir /backup --volume 7 --out ./files',
    'holdfast export --dir /backup --volume 7 --tar - | tar -t',
  ],
  async run(flags, _positionals, context) {
    const selection = selectionOf({ ...flags, exclude: [] });
    if (selection.volumes.length === 0) throw new UsageError('--volume N is missing: say which volume');
    const { directory, volumes } = await selectLocalVolumes(context.env, flags.dir, selection);
    const [local, another] = volumes;
    if (another !== undefined) {
      const names = volumes.map(({ baseName }) => baseName).join(', ');
      throw new UsageError(`one volume at a time: ${names} match; say which with --volume and --collection`);
    }
    // The archive has standard output for itself.
    const output = flags.tar === '-' ? createOutput(stderrSink, context.output.isJson) : context.output;
    const volume = await openLocalVolume(directory, local!, context);
    try {
      const sink = await openSink(flags, volume, context);
      try {
        return await exportTo(sink, flags.raw, volume, { ...context, output });
      } finally {
        await sink.close();
      }
    } finally {
      await volume.close();
    }
  },
});

const stderrSink = {
  write: (text: string) => void process.stderr.write(text),
  isTerminal: false,
  columns: 80,
};

/** Of a followed volume what is committed, without a lock; any other one as it is. */
async function openLocalVolume(
  directory: string,
  { name, baseName }: LocalVolume,
  { env, signal }: VerbContext,
): Promise<Volume> {
  return (await isFollowing(env, { directory, volume: name }))
    ? openGenerationVolume(env, { directory, volume: name, signal })
    : openVolume(env, { directory, name: baseName, mode: 'read', signal });
}

async function openSink(
  { out, tar }: FlagValues<typeof exportFlags>,
  volume: Volume,
  { env }: VerbContext,
): Promise<FileSink> {
  if ((out === undefined) === (tar === undefined))
    throw new UsageError('say where to: --out DIR or --tar FILE');
  if (tar === '-') {
    if (process.stdout.isTTY)
      throw new UsageError('--tar - writes an archive to the terminal: send it to a file or program');
    return createTarSink(byteStream(process.stdout));
  }
  if (tar !== undefined) return createTarSink(await openByteFile(env, resolve(tar)));
  const directory = resolve(out!);
  await makeEmptyFolder(directory);
  await ensureFree(env, directory, volume.stats().liveBytes, 0);
  return createFolderSink(env, directory);
}

async function makeEmptyFolder(path: string): Promise<void> {
  await makeFolder('--out', path);
  const names = await readdir(path);
  if (names.length > 0)
    throw new UsageError(`--out ${path} is not an empty folder: nothing in it is replaced`);
}

async function exportTo(
  sink: FileSink,
  isRaw: boolean,
  volume: Volume,
  context: VerbContext,
): Promise<ExitCode> {
  const { env, output, signal } = context;
  const totals = {
    files: 0,
    bytes: 0,
    unnamed: 0,
    renamed: 0,
    chunkManifests: 0,
    notUnpacked: 0,
    damaged: 0,
  };
  const renamed: { readonly fileId: string; readonly name: string; readonly as: string }[] = [];
  const damaged: { readonly needle: string; readonly offset: number; readonly error: string }[] = [];
  await exportVolume(env, {
    volume,
    sink,
    isRaw,
    signal,
    onFile(file) {
      totals.files += 1;
      totals.bytes += file.sizeBytes;
      if (file.name === '') totals.unnamed += 1;
      if (file.isChunkManifest) totals.chunkManifests += 1;
      if (file.packedBecause !== undefined) totals.notUnpacked += 1;
      if (file.name !== '' && file.name !== file.as) {
        totals.renamed += 1;
        const { fileId, name, as } = file;
        if (renamed.length < MAX_LISTED) renamed.push({ fileId, name, as });
      }
      showFile(file, output);
    },
    onDamage({ needleId, offset, message }) {
      totals.damaged += 1;
      const found = { needle: formatNeedleId(needleId), offset, error: message };
      if (damaged.length < MAX_LISTED) damaged.push(found);
      output.event({ event: 'damaged', ...found }, `${message}: left out`);
    },
  });
  const lost = volume.recovery.droppedEntries;
  if (lost > 0) {
    output.event(
      { event: 'lost', entries: lost },
      `${lost} entries of the index have no record: see holdfast verify`,
    );
  }
  const ok = totals.damaged === 0 && lost === 0;
  const { datSizeBytes } = volume.stats();
  output.summary(
    {
      ok,
      volume: volume.name,
      datSize: datSizeBytes,
      ...totals,
      lostEntries: lost,
      renamedFiles: renamed,
      damagedNeedles: damaged,
    },
    `${totals.files} files, ${formatBytes(totals.bytes)}; ${totals.renamed} renamed, ${totals.unnamed} without a name, ${totals.chunkManifests} chunk lists${ok ? '' : `; ${totals.damaged + lost} could NOT be read`}`,
  );
  return ok ? exitCodes.done : exitCodes.damaged;
}

/** Every file is an event for programs; people are told what is not as they would expect. */
function showFile(file: ExportedFile, output: Output): void {
  const { name, as, packedBecause, fileId } = file;
  const isRenamed = name !== '' && name !== as;
  const texts: string[] = [];
  if (isRenamed) texts.push(`${JSON.stringify(name)} is ${as}`);
  if (packedBecause !== undefined) texts.push(`${as} (${fileId}) is as stored: ${packedBecause}`);
  const line = {
    event: 'file',
    fileId,
    name,
    as,
    size: file.sizeBytes,
    mime: file.mime,
    modifiedAt: file.modifiedAtSeconds ?? null,
    isChunkManifest: file.isChunkManifest,
    packedBecause: packedBecause ?? null,
  };
  output.event(line, texts.length === 0 ? undefined : texts.join('\n'));
}
