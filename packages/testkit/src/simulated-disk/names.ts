/** A change of names that is visible and not yet durable. It survives a power failure whole or not at all. */
interface NameChange<Node> {
  readonly paths: readonly string[];
  /** Directories that it waits for: durable once each has been synced. */
  readonly unsynced: Set<string>;
  apply(names: Map<string, Node>): void;
}

/**
 * The names of a file system, twice: as they are seen, and as they are after a power failure. Of two changes to one name
 * the later never survives without the earlier; beyond that any may survive and any be lost.
 */
export interface SimulatedNames<Node> {
  readonly visible: ReadonlyMap<string, Node>;
  readonly durable: ReadonlyMap<string, Node>;
  change(paths: readonly string[], apply: (names: Map<string, Node>) => void): void;
  syncDirectory(directory: string): void;
  losePower(survives: () => boolean): void;
}

export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

export function createSimulatedNames<Node>(): SimulatedNames<Node> {
  let visible = new Map<string, Node>();
  let durable = new Map<string, Node>();
  let waiting: NameChange<Node>[] = [];

  /** Makes durable what `isChosen` says and what that rests on. */
  function settle(isChosen: (change: NameChange<Node>) => boolean): void {
    const chosen = new Set<NameChange<Node>>();
    for (const change of [...waiting].reverse()) {
      const isNeeded = [...chosen].some((later) => restsOn(later, change));
      if (isNeeded || isChosen(change)) chosen.add(change);
    }
    for (const change of waiting) if (chosen.has(change)) change.apply(durable);
    waiting = waiting.filter((change) => !chosen.has(change));
  }

  return {
    get visible() {
      return visible;
    },
    get durable() {
      return durable;
    },
    change(paths, apply) {
      apply(visible);
      waiting.push({ paths, apply, unsynced: new Set(paths.map(parentOf)) });
    },
    syncDirectory(directory) {
      for (const change of waiting) change.unsynced.delete(directory);
      settle((change) => change.unsynced.size === 0);
    },
    losePower(survives) {
      settle(survives);
      waiting = [];
      visible = durable;
      durable = new Map(visible);
    },
  };
}

function restsOn<Node>(later: NameChange<Node>, earlier: NameChange<Node>): boolean {
  return later.paths.some((path) =>
    earlier.paths.some((other) => isWithin(path, other) || isWithin(other, path)),
  );
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}
