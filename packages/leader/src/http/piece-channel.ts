/** Hands pieces from one who has them to one who asks for them, one at a time. */
export interface PieceChannel {
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Resolves when it was taken, or when nobody takes any more. */
  put(piece: Uint8Array): Promise<void>;
  /** No more comes. */
  end(): void;
}

export function createPieceChannel(): PieceChannel {
  let waiting: { readonly piece: Uint8Array; readonly taken: () => void } | undefined;
  let wake: () => void = () => {};
  let isEnded = false;
  let isLeft = false;

  async function* pieces(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        if (waiting !== undefined) {
          const { piece, taken } = waiting;
          waiting = undefined;
          yield piece;
          taken();
        } else if (isEnded) {
          return;
        } else {
          await new Promise<void>((resolve) => (wake = resolve));
        }
      }
    } finally {
      isLeft = true;
      waiting?.taken();
    }
  }

  return {
    pieces: pieces(),
    put(piece) {
      if (isLeft) return Promise.resolve();
      return new Promise((taken) => {
        waiting = { piece, taken };
        wake();
      });
    },
    end() {
      isEnded = true;
      wake();
    },
  };
}
