/** What the run said could not be written where it was sent to: nobody can rely on having read all of it. */
export class OutputError extends Error {
  override readonly name = 'OutputError';

  constructor(cause: NodeJS.ErrnoException) {
    super(`standard output cannot be written (${cause.code}): free some space, or send it elsewhere`, {
      cause,
    });
  }
}
