import { huntedBy, type PlantedBug, plantedBug } from '../planted-bug.js';

const STATE_AT = 'follower/src/restore/state-at.ts';

/** How one goes back to what was. */
export const RESTORE_BUGS: readonly PlantedBug[] = huntedBy(
  ['restore'],
  [
    plantedBug(
      'restore-one-commit-too-late',
      6,
      'a restore takes the first commit behind the instant',
      STATE_AT,
      '    } else if (line !== undefined) following.push(next);\n',
      '    } else if (line !== undefined && following.length === 0) {\n      following.push(next);\n      line = next;\n    }\n',
    ),
    {
      name: 'restore-one-commit-too-early',
      breaks: 6,
      mistake: 'a restore takes the commit before the last one that the instant covers',
      edits: [
        {
          file: STATE_AT,
          from: '  let following: HistoryLine[] = [];\n',
          to: '  let following: HistoryLine[] = [];\n  let former: HistoryLine | undefined;\n',
        },
        {
          file: STATE_AT,
          from: '      line = next;\n      following = [];\n',
          to: '      line = former ?? next;\n      former = next;\n',
        },
      ],
    },
    plantedBug(
      'restore-not-at-the-very-instant',
      6,
      'a commit at the very instant is not taken',
      STATE_AT,
      'if (asOfNs === undefined || atNs(next.atMs) <= asOfNs) {',
      'if (asOfNs === undefined || atNs(next.atMs) < asOfNs) {',
    ),
    plantedBug(
      'restore-one-record-too-late',
      6,
      'between two commits the record behind the instant comes along',
      'follower/src/restore/refine-state.ts',
      '        if (appendAtNs > asOfNs) continue;\n',
      '        if (BigInt(cut.lastAppendAtNs) > asOfNs) continue;\n',
    ),
  ],
);
