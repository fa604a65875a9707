/** What the process ends with. Agrees with the log, the summary object and the status file. */
export const exitCodes = {
  /** Done and proved. */
  done: 0,
  /** A volume failed for a cause of its own, or several causes met. */
  volumeFailed: 1,
  /** The command line is wrong, or nothing matched it. */
  usage: 2,
  /** Another follower works in the directory, or a volume server has. */
  locked: 3,
  unreachable: 4,
  /** Verification found damage or divergence. */
  damaged: 5,
  /** The local disk: full, not writable, failed. */
  localDisk: 6,
  /** Done and proved, but the loss guard tripped. */
  lossGuard: 7,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/**
 * One code for many volumes: `done` if all are, the common cause where there is one, `volumeFailed` for several.
 * A tripped loss guard shows only where everything else is done.
 */
export function combineExitCodes(codes: readonly ExitCode[]): ExitCode {
  const failures = new Set(codes.filter((code) => code !== exitCodes.done && code !== exitCodes.lossGuard));
  if (failures.size > 1) return exitCodes.volumeFailed;
  const [only] = failures;
  if (only !== undefined) return only;
  return codes.includes(exitCodes.lossGuard) ? exitCodes.lossGuard : exitCodes.done;
}
