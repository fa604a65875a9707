import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const LOCK = 'store/src/directory-lock.ts';

/** Who may work in a directory. */
export const LOCK_BUGS: readonly PlantedBug[] = huntedBy(
  ['lock'],
  [
    plantedBug(
      'lock-not-read-again',
      10,
      'a position is replaced without a look at whose the directory is by now',
      'store/src/generation/home-records.ts',
      'return writeSealed(env, layout.generation(id).position, encodePositionRecord(record), assertLocked);',
      'void assertLocked;\n  return writeSealed(env, layout.generation(id).position, encodePositionRecord(record));',
    ),
    plantedBug(
      'lock-token-not-compared',
      10,
      'a lock counts as held as long as there is one',
      LOCK,
      'return !isReleased && (await readHolder(env, path))?.token === token;',
      'return !isReleased && (await readHolder(env, path)) !== undefined && token.length > 0;',
    ),
    plantedBug(
      'live-holder-taken-for-dead',
      10,
      'the lock of a process that is at work is taken',
      LOCK,
      'return startTime !== undefined && startTime === holder.processStartTime;',
      'return startTime === undefined && holder.processStartTime === null;',
    ),
  ],
);
