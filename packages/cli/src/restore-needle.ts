import { gunzipSync } from 'node:zlib';
import { type FoundNeedle, findNeedle, restoreNeedle } from '@holdfast/follower';
import { type FileId, formatFileId, formatInstant } from '@holdfast/format';
import { type ExitCode, exitCodes } from './exit-code.js';
import type { LocalVolume } from './local-volumes.js';
import { formatBytes } from './output.js';
import { assertFits, makeOutDirectory } from './restore-directory.js';
import type { RestoreVolumesOptions } from './restore-volumes.js';

/** A gzip that would give more is left as it is. */
const UNPACKED_BYTES_MAX = 2 ** 31;
const NAME_BYTES_MAX = 255;

/** Brings one needle back to a file: its content unpacked, under the name that it has, or else its file id. */
export async function restoreOneNeedle(
  { context, directory, out, asOfNs, minFreeBytes, isDryRun }: RestoreVolumesOptions,
  { name: volume }: LocalVolume,
  fileId: FileId,
): Promise<ExitCode> {
  const { env, output, signal } = context;
  const { needleId, cookie } = fileId;
  const fid = formatFileId(fileId);
  const search = { directory, volume, asOfNs, needleId, cookie, signal };
  const fileOf = ({ needle }: FoundNeedle) => ({
    name: plainName(needle.name) ?? fid.replace(',', '_'),
    content: unpacked(needle),
  });
  if (isDryRun) {
    const found = await findNeedle(env, search);
    const { name, content } = fileOf(found);
    const freeBytes = await assertFits(env, out, content.length, minFreeBytes);
    output.summary(
      {
        ok: true,
        dryRun: true,
        needle: fid,
        ...lineOf(found),
        file: { name, sizeBytes: content.length },
        freeBytes,
      },
      `needle ${fid}: ${name}, ${describe(found)}, takes ${formatBytes(content.length)}, ${formatBytes(freeBytes)} are free`,
    );
    return exitCodes.done;
  }
  await makeOutDirectory(env, out);
  const { file, ...found } = await restoreNeedle(env, { ...search, out, minFreeBytes, fileOf });
  output.summary(
    { ok: true, dryRun: false, out, needle: fid, ...lineOf(found), file },
    `needle ${fid}: ${out}/${file.name}, ${describe(found)}, ${formatBytes(file.sizeBytes)}`,
  );
  return exitCodes.done;
}

function lineOf({ needle, generation, revision, isLive }: FoundNeedle) {
  const { appendAtNs, mime, lastModifiedSeconds, isChunkManifest } = needle;
  return {
    generation,
    revision,
    isLive,
    appendAt: appendAtNs === 0n ? null : formatInstant(appendAtNs),
    mime: new TextDecoder().decode(mime),
    lastModifiedSeconds: lastModifiedSeconds ?? 0,
    isChunkManifest,
  };
}

function describe({ needle, generation, revision, isLive }: FoundNeedle): string {
  const written = needle.appendAtNs === 0n ? '' : `written ${formatInstant(needle.appendAtNs)}, `;
  const manifest = needle.isChunkManifest ? ', a list of chunks, which are needles of their own' : '';
  const where = `generation ${generation}, revision ${revision}`;
  return `${written}${isLive ? 'live' : 'gone or replaced since'}, ${where}${manifest}`;
}

/** The needle's own name where it can be that of a file here. */
function plainName(name: Uint8Array | undefined): string | undefined {
  if (name === undefined || name.length === 0 || name.length > NAME_BYTES_MAX) return undefined;
  const text = new TextDecoder().decode(name);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no file should be called
  return /[/\\\u0000-\u001f\ufffd]/.test(text) || text.startsWith('.') ? undefined : text;
}

function unpacked({ data, isCompressed }: FoundNeedle['needle']): Uint8Array {
  if (!isCompressed) return data;
  try {
    return gunzipSync(data, { maxOutputLength: UNPACKED_BYTES_MAX });
  } catch {
    // What says that it is gzip and is none is given back as it is.
    return data;
  }
}
