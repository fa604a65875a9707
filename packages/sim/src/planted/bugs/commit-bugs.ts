import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const HELD = 'store/src/generation/held-generation.ts';
const UNFINISHED = 'store/src/generation/unfinished-generation.ts';
const SMALL_FILE = 'store/src/generation/small-file.ts';
const SWAP = 'store/src/generation/swap.ts';
const TAIL_FILE = 'store/src/generation/tail-file.ts';
const HOME = 'store/src/generation/open-volume-home.ts';

/** The durable order of commits and swaps. */
export const COMMIT_BUGS: readonly PlantedBug[] = huntedBy(
  ['home'],
  [
    plantedBug(
      'dat-not-synced',
      2,
      'a commit goes on without syncing the .dat',
      HELD,
      '        await datCommit.syncData();\n        await idx.write(idxEntries);',
      '        await idx.write(idxEntries);',
    ),
    plantedBug(
      'idx-not-synced',
      2,
      'a commit goes on without syncing the .idx',
      HELD,
      '        await idxCommit.syncData();\n',
      '',
    ),
    plantedBug(
      'digests-not-synced',
      2,
      'digests are written and not synced',
      TAIL_FILE,
      '      await digestsFile.syncData();\n',
      '',
    ),
    plantedBug(
      'write-under-way-not-waited-for',
      2,
      'a sync begins while writes are under way, and their memory is filled anew',
      TAIL_FILE,
      '      await oldest.done;\n',
      '',
      ['safety'],
    ),
    plantedBug(
      'position-before-digests',
      4,
      'the position is replaced before the digests that its files are known by',
      HELD,
      `        await datCommit.syncDigests();
        await idxCommit.syncDigests();
        const commits = { dat: datCommit, idx: idxCommit };
        const following = await recordOf(next, record.indexSerial, commits);
        await writePosition(context, id, following);`,
      `        const commits = { dat: datCommit, idx: idxCommit };
        const following = await recordOf(next, record.indexSerial, commits);
        await writePosition(context, id, following);
        await datCommit.syncDigests();
        await idxCommit.syncDigests();`,
    ),
    plantedBug(
      'digests-ahead-of-position',
      4,
      'digests are put where those of what is about to be committed will end',
      TAIL_FILE,
      'const digestsOffset = blockCount(committedBytes) * DIGEST_SIZE_BYTES;',
      'const digestsOffset = blockCount(sizeBytes) * DIGEST_SIZE_BYTES;',
    ),
    plantedBug(
      'position-temporary-not-synced',
      3,
      'the new position is renamed over the old one before its content is durable',
      SMALL_FILE,
      '    await file.writeAt(0, content);\n    await file.syncData();\n',
      '    await file.writeAt(0, content);\n',
    ),
    plantedBug(
      'position-directory-not-synced',
      2,
      'the rename of the position is reported before it is durable',
      SMALL_FILE,
      '  await disk.rename(temporary, path);\n  await disk.syncDirectory(parentOf(path));\n',
      '  await disk.rename(temporary, path);\n',
    ),
    plantedBug(
      'history-not-synced',
      2,
      'a line of history is written and not synced',
      'store/src/generation/history.ts',
      '    await file.syncData();\n  } catch (error) {',
      '  } catch (error) {',
    ),
    plantedBug(
      'position-moves-before-it-is-durable',
      2,
      'the cursor in memory moves before the position is written',
      HELD,
      `        await writePosition(context, id, following);
        // A line that is lost from here on is made again out of the position.
        await moveTo(following, commits, isMinor);`,
      `        await moveTo(following, commits, isMinor);
        await writePosition(context, id, following);`,
    ),
    plantedBug(
      'rollback-cuts-nothing',
      3,
      'what was written since the last commit is forgotten and not cut',
      TAIL_FILE,
      '    await file.truncate(sizeBytes);\n',
      '',
    ),
    plantedBug(
      'digests-of-what-was-rolled-back',
      11,
      'after a rollback the digests go on with bytes that are gone',
      TAIL_FILE,
      '    hasher = await hasherFrom(committedBytes);\n    for (',
      '    hasher ??= await hasherFrom(committedBytes);\n    for (',
    ),
    plantedBug(
      'build-not-synced',
      3,
      'the record of a build moves on before the bytes are durable',
      UNFINISHED,
      '      await commit.syncData();\n      await commit.syncDigests();\n',
      '      await commit.syncDigests();\n',
    ),
    plantedBug(
      'build-without-digests',
      11,
      'a build leaves no digests behind',
      UNFINISHED,
      '      await commit.syncDigests();\n      await advance(',
      '      await advance(',
    ),
    {
      name: 'swap-without-marker',
      breaks: 3,
      mistake: 'files are exchanged with nothing that says so to a restart',
      edits: [
        {
          file: SWAP,
          from: '  await writeSealed(env, layout.swap, encodeSwap(swap), assertLocked);\n',
          to: '  await assertLocked();\n  void [env, layout, encodeSwap];\n',
        },
        {
          file: SWAP,
          from: '  await disk.remove(layout.swap);\n  await disk.syncDirectory(layout.home);\n}\n\n/** Completes',
          to: '  await removeIfThere(disk, layout.swap);\n  await disk.syncDirectory(layout.home);\n}\n\n/** Completes',
        },
      ],
    },
    plantedBug(
      'swap-marker-removed-early',
      3,
      'the marker of a swap goes before the position is written',
      SWAP,
      `  await writePosition(context, swap.id, swap.record);
  if (swap.kind === 'generation') {`,
      `  await removeIfThere(disk, layout.swap);
  await disk.syncDirectory(layout.home);
  await writePosition(context, swap.id, swap.record);
  await writeSealed(env, layout.swap, encodeSwap(swap), assertLocked);
  if (swap.kind === 'generation') {`,
    ),
    plantedBug(
      'swap-renames-not-synced',
      2,
      'a swap goes on before its renames are durable',
      SWAP,
      '  for (const directory of directories) await disk.syncDirectory(directory);\n',
      '',
    ),
    plantedBug(
      'swap-without-position',
      3,
      'new files are put in place without the position that they make true',
      SWAP,
      '  await writePosition(context, swap.id, swap.record);\n',
      '  void writePosition;\n',
    ),
    {
      name: 'second-names-not-made',
      breaks: 3,
      mistake: 'a swap renames over the old files, which have no other name',
      edits: [
        { file: SWAP, from: '  await keepByLinks(context, swap);\n', to: '  void keepByLinks;\n' },
        {
          file: SWAP,
          from: 'if (kept !== undefined && !(await exists(disk, kept)) && (await exists(disk, live))) {',
          to: 'if (kept === live) {',
        },
      ],
    },
    plantedBug(
      'second-names-without-links',
      3,
      'on a file system without links a swap renames over the old files',
      SWAP,
      'if (kept !== undefined && !(await exists(disk, kept)) && (await exists(disk, live))) {',
      'if (kept === live) {',
    ),
    plantedBug(
      'old-generation-removed-first',
      3,
      'the old files make room before the new ones are built',
      HOME,
      '      await supersede();\n      build = own(',
      '      await supersede();\n      await disk.remove(layout.dat).catch(() => {});\n      build = own(',
    ),
    plantedBug(
      'former-generation-not-marked',
      3,
      'when a generation was replaced is not written down',
      SWAP,
      '    await writeSealed(env, former, { replacedAtMs: swap.replacedAtMs }, assertLocked);\n',
      '    void former;\n',
    ),
    plantedBug(
      'build-index-longer-than-its-position',
      1,
      'a build is put in place with what came behind its committed end',
      UNFINISHED,
      '      if ((await file.sizeBytes()) > sizeBytes) await file.truncate(sizeBytes);\n',
      '      void sizeBytes;\n',
    ),
  ],
);
