import type { Clock } from '@holdfast/format';
import type { DiskAccess, SimulatedDisk } from '@holdfast/testkit';
import { type CopyHome, createCopyHome, type FoundGeneration } from './copy-home.js';
import { startsWith } from './second-reader.js';
import { Violation } from './violation.js';

export interface RetentionWatchOptions {
  readonly disk: SimulatedDisk;
  readonly clock: Clock;
  readonly directory: string;
  /** Names of the volumes' files. */
  readonly names: readonly string[];
  readonly keepForMs: number;
  readonly keepGenerations: number;
  /** Whether the volume may be removed now, former generations and all. */
  readonly mayLeave: (name: string) => boolean;
  /** A generation was pruned, as it may be. */
  readonly onPruned: () => void;
  /** The removal of a volume begins, as it may. */
  readonly onLeaving: (name: string) => void;
}

/**
 * Looks at every removal before it takes effect: no generation goes that is held, younger than it is kept for, or among the
 * last; no mark that one is held goes unless an operator releases it; and no volume before its time.
 */
export interface RetentionWatch {
  readonly homes: ReadonlyMap<string, CopyHome>;
  /** Throws where it must not be. */
  onAccess(access: DiskAccess): void;
  /** An operator releases this volume from now on; `undefined`: nobody does. */
  releasing: string | undefined;
  /** The follower's wall clock has jumped: ages and their order say nothing any more. */
  hasClockStepped: boolean;
  /** The disk has been full: young generations may go too. */
  hasLackedSpace: boolean;
  /** Whether a generation was removed, and might be. */
  wasPruned(name: string, id: number): boolean;
  /** Whether the volume's removal has begun, and nothing of it been copied since. */
  hasLeft(name: string): boolean;
  /** It was copied anew. */
  noteReturn(name: string): void;
  /** The volume is gone: what comes under its name later are other generations. */
  forget(name: string): void;
  /** Of the generations that are kept, the first that no rule keeps. */
  overdue(name: string): FoundGeneration | undefined;
}

export function createRetentionWatch(options: RetentionWatchOptions): RetentionWatch {
  const { disk, clock, directory, keepForMs, keepGenerations, mayLeave } = options;
  const homes = new Map(options.names.map((name) => [name, createCopyHome(disk, directory, name)]));
  /** When the marker of the last swap was written, by volume, and what was replaced then, by folder: wall time. */
  const swappedAtMs = new Map<string, number>();
  const replacedAtMs = new Map<string, number>();
  const pruned = new Set<string>();
  const left = new Set<string>();
  const mayGo = (name: string): boolean => left.has(name) || mayLeave(name);

  const formerOf = (home: CopyHome): FoundGeneration[] =>
    home.generations().filter(({ isFormer, isUnfinished, hasData }) => isFormer && !isUnfinished && hasData);

  /** Why retention keeps a former generation, young or not; `undefined`: nothing does. */
  function keptBy(home: CopyHome, generation: FoundGeneration): string | undefined {
    return keptHowever(home, generation) ?? (watch.hasLackedSpace ? undefined : keptYoung(generation));
  }

  function keptYoung({ directory: folder }: FoundGeneration): string | undefined {
    const atMs = replacedAtMs.get(folder);
    if (watch.hasClockStepped || atMs === undefined) return undefined;
    const ageMs = clock.nowMs() - atMs;
    return ageMs < keepForMs ? `kept for ${keepForMs} ms, replaced ${ageMs} ms ago` : undefined;
  }

  function keptHowever(home: CopyHome, generation: FoundGeneration): string | undefined {
    if (generation.isHeld) return 'held';
    const others = formerOf(home).filter(({ id }) => id !== generation.id);
    const atMs = replacedAtMs.get(generation.directory);
    const isNewer = (other: FoundGeneration): boolean => {
      const otherAtMs = replacedAtMs.get(other.directory);
      if (watch.hasClockStepped || atMs === undefined || otherAtMs === undefined) return true;
      return otherAtMs === atMs ? other.id > generation.id : otherAtMs > atMs;
    };
    return others.filter(isNewer).length < keepGenerations ? `among the last ${keepGenerations}` : undefined;
  }

  function onRemoval(name: string, home: CopyHome, path: string): void {
    if (path === `${directory}/${name}.dat`) {
      if (!mayGo(name)) throw new Violation('retention', `${name} to stay`, 'its removal');
      left.add(name);
      options.onLeaving(name);
    }
    const [folder, file] = path.slice(home.folder.length + 1).split('/');
    const generation = home.generations().find(({ id }) => `${id}` === folder);
    if (!path.startsWith(home.folder) || generation === undefined) return;
    const what = `generation ${folder} of ${name}`;
    if (file === 'hold.json' && generation.isHeld) {
      const isHolding = generation.hasData || generation.id === home.currentId();
      if (isHolding && watch.releasing !== name)
        throw new Violation('retention', `${what} to be held until it is released`, 'its mark removed');
    }
    if (file !== `${name}.dat` || !generation.hasData || generation.isUnfinished) return;
    // A build that had hardly begun when it was cut short.
    if (!generation.isFormer && (mayGo(name) || !generation.hasPosition)) return;
    if (!generation.isFormer) {
      // A second name, of a swap that did not come about.
      if (disk.files().includes(`${directory}/${name}.dat`)) {
        const kept = disk.peek(path);
        if (startsWith(disk.peek(`${directory}/${name}.dat`), kept)) return;
      }
      throw new Violation('retention', `${what}, which nothing has replaced`, 'its removal');
    }
    const why = keptBy(home, generation);
    if (why !== undefined && (generation.isHeld || !mayGo(name)))
      throw new Violation('retention', `${what}, ${why}`, 'its removal');
    pruned.add(generation.directory);
    options.onPruned();
  }

  const watch: RetentionWatch = {
    homes,
    releasing: undefined,
    hasClockStepped: false,
    hasLackedSpace: false,
    onAccess({ kind, path, to }) {
      if (kind === 'make-directory') {
        // A new generation, under the number of one that is gone.
        replacedAtMs.delete(path);
        pruned.delete(path);
      }
      if (kind !== 'remove' && kind !== 'rename') return;
      for (const [name, home] of homes) {
        if (kind === 'remove') onRemoval(name, home, path);
        else if (to === `${home.folder}/swap`) swappedAtMs.set(name, clock.nowMs());
        else if (to?.startsWith(`${home.folder}/`) && to.endsWith('/former.json')) {
          const folder = to.slice(0, to.lastIndexOf('/'));
          const atMs = swappedAtMs.get(name);
          if (atMs !== undefined && !replacedAtMs.has(folder)) replacedAtMs.set(folder, atMs);
        }
      }
    },
    wasPruned: (name, id) => pruned.has(`${directory}/.holdfast/${name}/${id}`),
    hasLeft: (name) => left.has(name),
    noteReturn: (name) => void left.delete(name),
    forget(name) {
      const folder = `${homes.get(name)!.folder}/`;
      for (const key of replacedAtMs.keys()) if (key.startsWith(folder)) replacedAtMs.delete(key);
      for (const key of pruned) if (key.startsWith(folder)) pruned.delete(key);
    },
    overdue(name) {
      const home = homes.get(name)!;
      if (watch.hasClockStepped) return undefined;
      return formerOf(home).find(
        (generation) =>
          keptHowever(home, generation) === undefined &&
          replacedAtMs.has(generation.directory) &&
          keptYoung(generation) === undefined,
      );
    },
  };
  return watch;
}
