import { resolve } from 'node:path';
import { defaultSyncPolicy } from '@holdfast/follower';
import type { FileId } from '@holdfast/format';
import { fileId, instantNs, nonEmpty, sizeBytes } from '../flag-values.js';
import { type LocalVolume, selectLocalVolumes } from '../local-volumes.js';
import { restoreOneNeedle } from '../restore-needle.js';
import { type RestoreVolumesOptions, restoreVolumes } from '../restore-volumes.js';
import { directoryFlag, selectionFlags, selectionOf } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
import { defineVerb, type VerbContext } from '../verb.js';

export const restore = defineVerb({
  name: 'restore',
  summary: 'brings volumes, or one file, back as they were, ready for weed volume',
  positionals: [],
  flags: {
    dir: directoryFlag,
    ...selectionFlags,
    all: { kind: 'switch', help: 'every volume of DIR' },
    out: {
      kind: 'option',
      placeholder: 'DIR',
      help: 'where to write; nothing that is there is replaced',
      parse: nonEmpty,
      isRequired: true,
    },
    'as-of': {
      kind: 'option',
      placeholder: 'TIME',
      help: 'RFC 3339, as 2026-01-31T12:00:00Z, or nanoseconds: the newest state at or before it (default: the newest)',
      parse: instantNs,
    },
    needle: {
      kind: 'option',
      placeholder: 'FID',
      help: 'only this file, such as 3,01637037d6, also if it has been deleted since',
      parse: fileId,
    },
    'min-free': {
      kind: 'option',
      placeholder: 'SIZE',
      help: 'what must stay free on the disk',
      parse: sizeBytes(0),
      fallback: `${defaultSyncPolicy.minFreeBytes / 2 ** 20}MiB`,
    },
    'dry-run': { kind: 'switch', help: 'tell the states and the bytes that they take; write nothing' },
  },
  examples: [
    'holdfast restore --dir /backup --volume 7 --as-of 2026-01-31T12:00:00Z --out /restored',
    'holdfast restore --dir /backup --all --out /restored --dry-run',
    'holdfast restore --dir /backup --needle 3,01637037d6 --out .',
  ],
  async run(flags, _positionals, context) {
    const options: RestoreVolumesOptions = {
      context,
      directory: resolve(flags.dir),
      out: resolve(flags.out),
      asOfNs: flags['as-of'],
      minFreeBytes: flags['min-free'],
      isDryRun: flags['dry-run'],
    };
    const isSelective = flags.volume.length > 0 || flags.collection !== undefined;
    if (flags.needle !== undefined) {
      if (flags.all || flags.volume.length > 0)
        throw new UsageError('--needle names its volume itself: leave --volume and --all out');
      const volume = await volumeOfNeedle(flags.needle, flags.collection, options.directory, context);
      return await restoreOneNeedle(options, volume, flags.needle);
    }
    if (flags.all === isSelective)
      throw new UsageError('say what to restore: --volume or --collection, or --all, or --needle');
    const { volumes } = await selectLocalVolumes(context.env, options.directory, selectionOf(flags));
    return await restoreVolumes(options, volumes);
  },
});

async function volumeOfNeedle(
  { volumeId }: FileId,
  collection: string | undefined,
  directory: string,
  { env }: VerbContext,
): Promise<LocalVolume> {
  const selection = { volumes: [{ first: volumeId, last: volumeId }], exclude: [], collection };
  const { volumes } = await selectLocalVolumes(env, directory, selection);
  const [volume, another] = volumes;
  if (another !== undefined)
    throw new UsageError(`volume ${volumeId} is here in several collections: say which with --collection`);
  return volume!;
}
