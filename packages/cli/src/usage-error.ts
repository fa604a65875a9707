/** A command line that cannot be carried out as it stands. The message is one line that says what to do. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
