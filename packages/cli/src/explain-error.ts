import { FollowError, type FollowErrorCode } from '@holdfast/follower';
import { FormatError } from '@holdfast/format';
import { IndexError } from '@holdfast/index';
import { LeaderError, type LeaderErrorCode, type RpcCode, RpcError } from '@holdfast/protocol';
import { SeaweedError, type SeaweedErrorCode } from '@holdfast/seaweedfs';
import { StoreError, type StoreErrorCode } from '@holdfast/store';
import { type ExitCode, exitCodes } from './exit-code.js';
import { Interruption } from './interruption.js';
import { OutputError } from './output-error.js';
import { UsageError } from './usage-error.js';

/** An error as the user meets it. */
export interface Explanation {
  readonly exitCode: ExitCode;
  /** Stable, for programs. */
  readonly code: string;
  /** What went wrong. */
  readonly message: string;
  /** What to do. Empty where the message says it. */
  readonly advice: string;
}

type Advice = readonly [exitCode: ExitCode, advice: string];

const { volumeFailed, usage, locked, unreachable, damaged, localDisk } = exitCodes;

const retryLater = 'run it again later';
const makeAnew = 'run holdfast backup: it builds a whole copy again';

const storeAdvice: Readonly<Record<StoreErrorCode, Advice>> = {
  'not-found': [usage, 'check the path'],
  exists: [localDisk, 'move what is there away, or take another directory'],
  'no-space': [localDisk, 'free some space or lower --min-free, then run it again; what was there is kept'],
  'not-permitted': [localDisk, 'give this user the right to read and write the directory'],
  'links-unsupported': [localDisk, 'take a directory on a file system with hard links'],
  'disk-failed': [localDisk, 'check the disk, then run it again: what was proved before is kept'],
  // These three say in their message what to do.
  locked: [locked, ''],
  'directory-served': [locked, 'the flag for that is --take-over'],
  'wrong-cluster': [locked, ''],
  'no-super-block': [damaged, makeAnew],
  'bad-super-block': [damaged, makeAnew],
  'unsupported-version': [volumeFailed, 'only versions 1, 2 and 3 are known'],
  'width-undecided': [damaged, 'put the .vif of the volume beside it'],
  'index-missing': [damaged, 'holdfast fix makes the .idx again out of the .dat'],
  'index-odd-size': [damaged, 'holdfast fix makes the .idx again out of the .dat'],
  'index-mismatch': [damaged, 'holdfast fix makes the .idx again out of the .dat'],
  corrupt: [damaged, `holdfast verify lists what is damaged; ${makeAnew}`],
  'position-damaged': [damaged, makeAnew],
  'position-moved': [volumeFailed, retryLater],
  'read-only': [usage, 'this volume is read-only'],
  'needle-not-found': [usage, 'holdfast inspect --needles lists what is there'],
  'cookie-mismatch': [usage, 'holdfast inspect --needles lists the cookies'],
  'too-large': [usage, 'take less'],
  'volume-not-empty': [usage, 'delete its needles first'],
  'compaction-state': [volumeFailed, retryLater],
  closed: [volumeFailed, retryLater],
};

const leaderAdvice: Readonly<Record<LeaderErrorCode, Advice>> = {
  unreachable: [unreachable, 'check that the server runs and that its gRPC port can be reached'],
  'volume-not-found': [usage, 'check --volume and --collection against the cluster'],
  'volume-closed': [volumeFailed, 'the leader cannot read this volume: look at its log and remount it'],
  'past-end': [volumeFailed, retryLater],
  'compaction-open': [volumeFailed, retryLater],
  'revision-changed': [volumeFailed, retryLater],
  'position-refused': [volumeFailed, retryLater],
  'read-failed': [volumeFailed, 'the leader cannot read its own disk: look at it'],
  'not-permitted': [
    unreachable,
    'check --tls-ca, --tls-cert and --tls-key (or --security) and the white list of the server',
  ],
  'bad-answer': [volumeFailed, retryLater],
  refused: [volumeFailed, 'see the text of the leader'],
};

const followAdvice: Readonly<Record<FollowErrorCode, Advice>> = {
  'step-voided': [volumeFailed, retryLater],
  'leader-unsettled': [volumeFailed, retryLater],
  'leader-unreachable': leaderAdvice.unreachable,
  'leader-volume-closed': leaderAdvice['volume-closed'],
  'leader-damaged': [
    volumeFailed,
    'the bytes of the leader are damaged: mend it; holdfast verify --master shows where',
  ],
  'leader-read-failed': leaderAdvice['read-failed'],
  'leader-refused': leaderAdvice.refused,
  'not-permitted': leaderAdvice['not-permitted'],
  'volume-not-found': leaderAdvice['volume-not-found'],
  unsupported: [volumeFailed, 'leave it out with --exclude'],
  'not-covered': [usage, 'take an instant that is covered, or leave --as-of out for the newest state'],
  diverged: [damaged, makeAnew],
};

const seaweedAdvice: Readonly<Record<SeaweedErrorCode, Advice>> = {
  'bad-address': [usage, 'write HOST:PORT'],
  'bad-security': [usage, 'mend the file that --security names'],
  'master-unreachable': [
    unreachable,
    'check --master, and that the master runs and its gRPC port can be reached',
  ],
  'not-permitted': leaderAdvice['not-permitted'],
  'duplicate-directory': [
    locked,
    'stop the other server; for a copy of its directory, remove the vol_dir.uuid of the copy',
  ],
  'bad-answer': [unreachable, 'check that --master names a SeaweedFS master'],
  refused: [volumeFailed, 'see the text of the master'],
};

const rpcUnreachable: readonly RpcCode[] = [
  'unavailable',
  'deadline-exceeded',
  'unauthenticated',
  'permission-denied',
];

/** What any error means for the user. Errors that are not known by class are named `internal`. */
export function explainError(error: unknown): Explanation {
  // What failed first says why; what failed while that was tidied up follows from it.
  if (error instanceof Error && error.name === 'SuppressedError' && 'suppressed' in error)
    return explainError(error.suppressed);
  if (error instanceof Interruption)
    return explanation(
      [volumeFailed, 'what was proved is kept; run it again to go on'],
      'interrupted',
      error,
    );
  if (error instanceof OutputError) return explanation([localDisk, ''], 'output-lost', error);
  if (error instanceof UsageError) return explanation([usage, ''], 'usage', error);
  if (error instanceof StoreError) return explanation(storeAdviceOf(error), error.code, error);
  if (error instanceof LeaderError) return explanation(leaderAdvice[error.code], error.code, error);
  if (error instanceof FollowError) return explanation(followAdvice[error.code], error.code, error);
  if (error instanceof SeaweedError) return explanation(seaweedAdvice[error.code], error.code, error);
  if (error instanceof FormatError || error instanceof IndexError) {
    return explanation([damaged, 'holdfast verify lists what is damaged'], error.code, error);
  }
  if (error instanceof RpcError) {
    const advice =
      error.code === 'unauthenticated' || error.code === 'permission-denied'
        ? 'not-permitted'
        : 'unreachable';
    if (rpcUnreachable.includes(error.code)) return explanation(leaderAdvice[advice], advice, error);
    return explanation([volumeFailed, 'see the text of the server'], error.code, error);
  }
  const cause = error instanceof Error ? error : new Error(String(error));
  return explanation(
    [volumeFailed, 'this is a mistake in Holdfast: please report it with --log-level debug'],
    'internal',
    cause,
  );
}

/** What is of no one volume cannot be built anew: the message says what to do. */
function storeAdviceOf({ code, remedy }: StoreError): Advice {
  const [exitCode, advice] = storeAdvice[code];
  return [exitCode, code === 'position-damaged' && remedy === 'stop' ? '' : advice];
}

/** The exit code that belongs to the code of a failed volume's report; codes that no table knows count as its own failure. */
export function exitCodeOf(code: string): ExitCode {
  for (const table of [followAdvice, storeAdvice, leaderAdvice] as readonly Readonly<
    Record<string, Advice>
  >[]) {
    if (Object.hasOwn(table, code)) return table[code]![0];
  }
  return volumeFailed;
}

/** The advice for the code of a failed volume's report; empty if there is none. */
export function adviceOf(code: string): string {
  for (const table of [followAdvice, storeAdvice, leaderAdvice] as readonly Readonly<
    Record<string, Advice>
  >[]) {
    if (Object.hasOwn(table, code)) return table[code]![1];
  }
  return '';
}

/** One line: what went wrong and what to do. */
export function formatExplanation({ message, advice }: Explanation): string {
  const line = message.replaceAll(/\s*\n\s*/g, ' ');
  return advice === '' ? line : `${line}: ${advice}`;
}

function explanation([exitCode, advice]: Advice, code: string, error: Error): Explanation {
  return { exitCode, code, message: error.message, advice };
}
