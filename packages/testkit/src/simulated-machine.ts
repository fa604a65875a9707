import { crc32c, type Random, type Timers } from '@holdfast/format';
import {
  type Disk,
  type DiskFile,
  type Host,
  type StoreEnvironment,
  StoreError,
  type StoreErrorCode,
} from '@holdfast/store';
import { createSeededRandom } from './seeded-random.js';
import type { CrashKind, DiskOperation, SimulatedDisk } from './simulated-disk/index.js';
import type { SimulatedScheduler } from './simulated-scheduler.js';
import { createSimulatedStorePorts } from './simulated-store-ports.js';

/** Volumes are of kilobytes here: so a commit is of several writes. */
const PIECE_BYTES = 1024;

/** A call of a process on its disk, before it takes effect. */
export interface DiskAccess {
  readonly kind: DiskOperation['kind'] | 'open' | 'read' | 'stat' | 'list';
  readonly path: string;
  /** Of a rename and a link: the name that the file is given. */
  readonly to?: string;
}

/** A machine with a disk, on which processes start and end. */
export interface SimulatedMachine {
  readonly disk: SimulatedDisk;
  startProcess(options?: SimulatedProcessOptions): SimulatedProcess;
  /** Every process on it is dead, and of the disk there is what `kind` leaves. */
  crash(kind: CrashKind): void;
}

export interface SimulatedProcessOptions {
  /** Before an access takes effect: may wait, may kill the process, and may give the code that the access fails with. */
  readonly onAccess?: (
    access: DiskAccess,
  ) => StoreErrorCode | undefined | Promise<StoreErrorCode | undefined>;
}

/** One process. Once it is dead nothing that it waits for is ever answered, so that nothing of it has any effect. */
export interface SimulatedProcess {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  readonly isDead: boolean;
  /** As by SIGKILL: the machine goes on, and its files are as they are seen. */
  kill(): void;
}

export interface SimulatedMachineOptions {
  readonly scheduler: SimulatedScheduler;
  readonly disk: SimulatedDisk;
  /** Of the randomness of its processes. */
  readonly seed: number;
}

export function createSimulatedMachine(options: SimulatedMachineOptions): SimulatedMachine {
  const { scheduler, disk, seed } = options;
  const { time } = scheduler;
  const living = new Map<number, SimulatedProcess>();
  const claimed = new Map<string, number>();
  let boot = 1;
  let started = 0;

  function hostOf(pid: number): Host {
    // What the kernel answers reaches a process only while it lives.
    const toLiving = <T>(answer: () => T): Promise<T> =>
      living.has(pid) ? Promise.resolve(answer()) : never();
    return {
      pid,
      hostName: 'simulated',
      bootId: () => toLiving(() => `boot-${boot}`),
      processStartTime: (asked) => toLiving(() => (living.has(asked) ? `${asked}` : undefined)),
      claimName: (name) =>
        toLiving(() => {
          if (claimed.has(name)) return undefined;
          claimed.set(name, pid);
          return async () => {
            if (claimed.get(name) === pid) claimed.delete(name);
          };
        }),
    };
  }

  function startProcess({ onAccess }: SimulatedProcessOptions = {}): SimulatedProcess {
    const pid = 1000 + ++started;
    const random: Random = createSeededRandom(seed + started);
    let isDead = false;

    async function delayed<T>(
      access: DiskAccess,
      effect: () => Promise<T>,
      waits: Promise<void> | undefined,
      answer: StoreErrorCode | undefined | Promise<StoreErrorCode | undefined>,
    ): Promise<T> {
      const code = await answer;
      await waits;
      return effectOf(access, effect, code);
    }

    function effectOf<T>(
      access: DiskAccess,
      effect: () => Promise<T>,
      code: StoreErrorCode | undefined,
    ): Promise<T> {
      if (isDead) return never();
      if (code === undefined) return effect();
      return failing(disk, access, effect, code);
    }

    const through: Through = (kind, path, effect, to) => {
      if (isDead) return never();
      const access = to === undefined ? { kind, path } : { kind, path, to };
      const answer = onAccess?.(access);
      const waits = scheduler.pass();
      if (waits === undefined && !(answer instanceof Promise)) return effectOf(access, effect, answer);
      return delayed(access, effect, waits, answer);
    };

    const process: SimulatedProcess = {
      env: {
        disk: diskThrough(disk, through),
        clock: time.clock,
        random,
        crc32c,
        ...createSimulatedStorePorts(PIECE_BYTES),
        host: hostOf(pid),
      },
      timers: {
        sleep: (delayMs, signal) => (isDead ? never() : time.timers.sleep(delayMs, signal)),
      },
      get isDead() {
        return isDead;
      },
      kill() {
        isDead = true;
        living.delete(pid);
        for (const [name, holder] of claimed) if (holder === pid) claimed.delete(name);
      },
    };
    living.set(pid, process);
    return process;
  }

  return {
    disk,
    startProcess,
    crash(kind) {
      for (const process of [...living.values()]) process.kill();
      if (kind !== 'process') boot++;
      disk.crash(kind);
    },
  };
}

type Through = <T>(
  kind: DiskAccess['kind'],
  path: string,
  effect: () => Promise<T>,
  to?: string,
) => Promise<T>;

/** Changes nothing for whoever waits for it, ever. */
function never<T>(): Promise<T> {
  return new Promise(() => {});
}

const CHANGING: ReadonlySet<DiskAccess['kind']> = new Set<DiskOperation['kind']>([
  'create',
  'write',
  'truncate',
  'sync-data',
  'make-directory',
  'remove-directory',
  'rename',
  'link',
  'remove',
  'sync-directory',
]);

/** The access fails: one that changes something does so half, as the disk has it. */
async function failing<T>(
  disk: SimulatedDisk,
  { kind, path }: DiskAccess,
  effect: () => Promise<T>,
  code: StoreErrorCode,
): Promise<T> {
  if (!CHANGING.has(kind)) throw new StoreError(code, `${path}: ${code} (simulated ${kind})`, { path });
  // A call of the simulated disk takes effect before it is awaited.
  disk.inject(() => code);
  const failed = effect();
  disk.inject(undefined);
  return await failed;
}

function diskThrough(disk: Disk, through: Through): Disk {
  return {
    open: async (path, options) =>
      fileThrough(path, await through('open', path, () => disk.open(path, options)), through),
    stat: (path) => through('stat', path, () => disk.stat(path)),
    list: (path) => through('list', path, () => disk.list(path)),
    makeDirectory: (path) => through('make-directory', path, () => disk.makeDirectory(path)),
    removeDirectory: (path) => through('remove-directory', path, () => disk.removeDirectory(path)),
    rename: (from, to) => through('rename', from, () => disk.rename(from, to), to),
    link: (existing, added) => through('link', existing, () => disk.link(existing, added), added),
    remove: (path) => through('remove', path, () => disk.remove(path)),
    syncDirectory: (path) => through('sync-directory', path, () => disk.syncDirectory(path)),
    freeBytes: (path) => through('stat', path, () => disk.freeBytes(path)),
  };
}

function fileThrough(path: string, file: DiskFile, through: Through): DiskFile {
  return {
    sizeBytes: () => through('stat', path, () => file.sizeBytes()),
    readAt: (offset, lengthBytes) => through('read', path, () => file.readAt(offset, lengthBytes)),
    writeAt: (offset, bytes) => through('write', path, () => file.writeAt(offset, bytes)),
    truncate: (sizeBytes) => through('truncate', path, () => file.truncate(sizeBytes)),
    syncData: () => through('sync-data', path, () => file.syncData()),
    stat: () => through('stat', path, () => file.stat()),
    close: () => file.close(),
  };
}
