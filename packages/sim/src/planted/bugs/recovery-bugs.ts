import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const IDENTIFY = 'store/src/generation/identify.ts';
const FORMER = 'store/src/generation/former-generations.ts';
const RECOVER_HELD = 'store/src/generation/recover-held.ts';

/** What opening a directory believes, cuts and keeps, and what pruning does. */
export const RECOVERY_BUGS: readonly PlantedBug[] = huntedBy(
  ['home'],
  [
    plantedBug(
      'recovery-keeps-what-was-not-committed',
      3,
      'what lies behind the committed length stays',
      IDENTIFY,
      '  await file.truncate(committedBytes);\n',
      '',
    ),
    plantedBug(
      'foreign-files-held',
      1,
      'any files under the name of a followed volume are taken for the generation',
      RECOVER_HELD,
      'const isHeld = opened.every(({ found }) => found.isHeld);',
      'const isHeld = opened.length > 0;',
    ),
    plantedBug(
      'times-not-compared',
      1,
      'a file of the right length is believed whatever was written to it since',
      'store/src/generation/position-record.ts',
      '    stat.mtimeNs === identity.mtimeNs &&\n',
      '',
    ),
    plantedBug(
      'missing-digest-passes',
      11,
      'a block that has no digest counts as checked',
      'store/src/generation/block-digests.ts',
      "if (expected.length < DIGEST_SIZE_BYTES * 2) return 'digest-missing';",
      'if (expected.length < DIGEST_SIZE_BYTES * 2) return undefined;',
    ),
    plantedBug(
      'strays-not-kept',
      3,
      'bytes that somebody else appended are cut without a copy',
      RECOVER_HELD,
      'if (!hasNote || !isHeld) {',
      'if (!isHeld) {',
    ),
    plantedBug(
      'served-directory-taken-over',
      11,
      'a directory that a server has written to is followed into as if nothing were',
      RECOVER_HELD,
      '  if (!isHeld && isBehind && !hasNote && !takeOver) throw served(context, opened);\n',
      '  void [isBehind, hasNote, takeOver, served];\n',
    ),
    plantedBug(
      'append-without-note',
      4,
      'an append does not say that the bytes behind the position are its own',
      'store/src/generation/held-generation.ts',
      '      await exclusive.run(() => writeAppendNote(context, id));\n',
      '      void writeAppendNote;\n',
    ),
    plantedBug(
      'sealed-checksum-ignored',
      9,
      'a position that fails its checksum is believed',
      'store/src/generation/sealed-file.ts',
      '  if (found !== expected)\n    throw new StoreError',
      '  if (found.length !== expected.length)\n    throw new StoreError',
    ),
    plantedBug(
      'history-lost-line-not-made',
      2,
      'a commit whose line of history a crash took is not in the history',
      'store/src/generation/history.ts',
      '    if (isLost) await appendTo(env, file, historyLineOf(record));\n    else if',
      '    if',
    ),
    plantedBug(
      'build-resumed-unread',
      3,
      'an unfinished build goes on without a look at what is left of it',
      'store/src/generation/recover-build.ts',
      '    if (!found.isHeld) {\n      await file.close();\n      return undefined;\n    }\n',
      '',
    ),
    plantedBug(
      'retention-prunes-what-is-held',
      3,
      'a generation that is held for an operator is pruned by age',
      FORMER,
      'if (heldFor !== null || isYoung || rank < policy.keepGenerations) continue;',
      'if (isYoung || rank < policy.keepGenerations) continue;\n    void heldFor;',
    ),
    plantedBug(
      'retention-keeps-one-too-few',
      3,
      'of the last generations one fewer is kept than asked for',
      FORMER,
      'rank < policy.keepGenerations) continue;',
      'rank + 1 < policy.keepGenerations) continue;',
    ),
    plantedBug(
      'retention-keeps-the-oldest',
      3,
      'generations are pruned from the newest on',
      FORMER,
      'found.sort((a, b) => b.replacedAtMs - a.replacedAtMs || b.id - a.id)',
      'found.sort((a, b) => a.replacedAtMs - b.replacedAtMs || a.id - b.id)',
    ),
  ],
);
