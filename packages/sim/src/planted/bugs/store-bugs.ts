import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const GROUP_SYNC = 'store/src/volume/group-sync.ts';
const COMPACTION = 'store/src/volume/volume-compaction.ts';
const RECOVERY_PLAN = 'store/src/volume/recovery-plan.ts';
const REPLAY = 'store/src/volume/index-replay.ts';
const APPENDER = 'store/src/volume/appender.ts';
const NEEDLE_MAP = 'store/src/needle-map.ts';
const APPLY_RECOVERY = 'store/src/volume/apply-recovery.ts';

/** A volume that is written: what is acknowledged, what a crash leaves, what a compaction keeps. */
export const STORE_BUGS: readonly PlantedBug[] = huntedBy(
  ['volume'],
  [
    plantedBug(
      'group-commit-shares-a-running-sync',
      2,
      'a writer that comes while a sync runs is told of its end',
      GROUP_SYNC,
      `          waitingSync = undefined;
          lastSync = syncNow();
          return lastSync;`,
      `          lastSync = syncNow().finally(() => {
            waitingSync = undefined;
          });
          return lastSync;`,
    ),
    plantedBug(
      'acknowledged-before-the-data-are-synced',
      2,
      'a write is acknowledged when its entry is durable',
      GROUP_SYNC,
      '      await dat.syncData();\n',
      '',
    ),
    plantedBug(
      'acknowledged-before-its-entry-is-synced',
      2,
      'an empty needle, which only its entry tells from a deletion, is acknowledged when its record is durable',
      GROUP_SYNC,
      '      if (hasSizeZero || isIndexOverdue()) await syncIndexNow();\n',
      '      if (hasSizeZero && isIndexOverdue()) await syncIndexNow();\n',
    ),
    plantedBug(
      'failed-sync-forgotten',
      2,
      'after a sync that failed the volume goes on',
      GROUP_SYNC,
      "      throw fail('a sync failed', error);\n",
      '      pending = entries;\n      void error;\n',
    ),
    plantedBug(
      'needle-map-forgets-a-deletion',
      6,
      'a deletion lowers the count and leaves the needle',
      NEEDLE_MAP,
      '      this.#put({ ...former, sizeBytes: former.sizeBytes === 0 ? -1 : -former.sizeBytes });\n',
      '      this.#put({ ...former, sizeBytes: former.sizeBytes });\n',
    ),
    plantedBug(
      'deleted-empty-needle-stays',
      6,
      'the deletion of an empty needle leaves it, since minus nothing is nothing',
      NEEDLE_MAP,
      'sizeBytes: former.sizeBytes === 0 ? -1 : -former.sizeBytes }',
      'sizeBytes: -former.sizeBytes }',
    ),
    plantedBug(
      'compaction-loses-a-deletion',
      6,
      'what was deleted while a compaction copied is there again afterwards',
      COMPACTION,
      '        const entry = entries.entryAt(i);\n        // Offsets',
      '        const entry = entries.entryAt(i);\n        if (entry.sizeBytes < 0) continue;\n        // Offsets',
    ),
    plantedBug(
      'compaction-loses-empty-needles',
      6,
      'empty needles that were written while a compaction copied are gone afterwards',
      COMPACTION,
      '        const entry = entries.entryAt(i);\n        // Offsets',
      '        const entry = entries.entryAt(i);\n        if (entry.sizeBytes === 0) continue;\n        // Offsets',
    ),
    plantedBug(
      'compaction-drops-empty-needles',
      6,
      'a compaction keeps only needles with data',
      COMPACTION,
      'if (entry.sizeBytes >= 0 && entry.offset < offset) yield entry;',
      'if (entry.sizeBytes > 0 && entry.offset < offset) yield entry;',
    ),
    plantedBug(
      'compaction-not-synced',
      3,
      'a compaction is decided before its files are durable',
      'store/src/volume/file-writer.ts',
      '      await flush();\n      await file.syncData();\n',
      '      await flush();\n',
    ),
    plantedBug(
      'revision-not-raised',
      1,
      'a compaction leaves the revision as it was',
      COMPACTION,
      '(files.superBlock.compactionRevision + 1) % REVISIONS',
      '(files.superBlock.compactionRevision + REVISIONS) % REVISIONS',
    ),
    plantedBug(
      'recovery-keeps-torn-records',
      4,
      'a record that a crash tore counts as whole',
      RECOVERY_PLAN,
      '  return isCrcValid && (version < 3 || appendAtNs !== 0n);\n',
      '  return version < 3 || appendAtNs !== 0n || isCrcValid;\n',
    ),
    plantedBug(
      'recovery-cuts-at-the-wrong-offset',
      4,
      'what is whole is cut at the start of its last record',
      RECOVERY_PLAN,
      '      add(record, record.offset + record.lengthBytes);\n',
      '      add(record, record.offset);\n',
    ),
    plantedBug(
      'recovery-keeps-entries-past-the-end',
      4,
      'entries whose records a crash took stay',
      REPLAY,
      '        pastEnd.add(entryIndex);\n        continue;\n',
      '        map.apply(entry);\n        continue;\n',
    ),
    plantedBug(
      'recovered-deletions-taken-for-empty-needles',
      6,
      'a deletion that the index lacks comes back as an empty needle',
      RECOVERY_PLAN,
      'sizeBytes: header.sizeBytes === 0 ? TOMBSTONE_SIZE : header.sizeBytes,',
      'sizeBytes: header.sizeBytes === 0 ? TOMBSTONE_SIZE + 1 : header.sizeBytes,',
    ),
    plantedBug(
      'damage-in-the-middle-cut',
      3,
      'a bad record with good ones behind it is taken for a torn tail',
      RECOVERY_PLAN,
      '    await assertNothingBehind(endOffset, badRecord, data, input.paths);\n',
      '    void assertNothingBehind;\n',
    ),
    plantedBug(
      'recovered-records-not-written-again',
      3,
      'records that a failed sync left readable are believed',
      APPLY_RECOVERY,
      '    await writeAgain(dat, plan.unsyncedFromOffset, plan.datSizeBytes);\n',
      '    void writeAgain;\n',
    ),
    plantedBug(
      'stamps-fall-with-the-clock',
      7,
      'a clock that steps back stamps a record before the one in front of it',
      APPENDER,
      'return nowNs > lastAppendAtNs ? nowNs : lastAppendAtNs + 1n;',
      'return nowNs > 0n ? nowNs : lastAppendAtNs + 1n;',
    ),
  ],
);
