/** What several may be reading. */
export interface Holds {
  /** Keeps it open until what this gives is called. Idempotent. */
  hold(): () => Promise<void>;
  /** Nobody asks for it any more: it is closed as soon as nobody holds it. */
  retire(): Promise<void>;
}

export function createHolds(close: () => Promise<void>): Holds {
  let holders = 0;
  let isRetired = false;
  const closeIfFree = async () => {
    if (isRetired && holders === 0) await close();
  };
  return {
    hold() {
      holders++;
      let isHeld = true;
      return async () => {
        if (!isHeld) return;
        isHeld = false;
        holders--;
        await closeIfFree();
      };
    },
    async retire() {
      isRetired = true;
      await closeIfFree();
    },
  };
}
