import { isStoreError } from '@holdfast/store';
import type { SimulatedDisk } from '@holdfast/testkit';
import type { CopyFiles } from './copy-oracle.js';
import { startsWith } from './second-reader.js';

/** A generation of a volume, as its folder on the disk has it: what the follower's own code says of it is not asked. */
export interface FoundGeneration {
  readonly id: number;
  readonly directory: string;
  readonly isUnfinished: boolean;
  /** Whether it says when it was replaced. */
  readonly isFormer: boolean;
  /** Whether it says how far its files are good. */
  readonly hasPosition: boolean;
  readonly isHeld: boolean;
  /** Whether its own folder has its data. */
  readonly hasData: boolean;
}

/** One volume's part of a follower's directory, read as plain files. */
export interface CopyHome {
  readonly folder: string;
  /** What `current` says. */
  currentId(): number | undefined;
  /** What it will say when a swap that was cut short has been completed: the same where none was. */
  comingId(): number | undefined;
  /** Whose copy the current generation is of. */
  currentServer(): string | undefined;
  /** Paths of everything that there is of the volume. */
  files(): readonly string[];
  generations(): readonly FoundGeneration[];
  /** The files under the volume's name; `undefined` where one is missing. */
  present(): CopyFiles | undefined;
  /** Whether files of the generation, in its folder or where the current one's are, begin with these. */
  holds(id: number, files: CopyFiles): boolean;
  /** Whether a mark that it is held would outlive the power. */
  isHeldDurably(id: number): boolean;
}

export function createCopyHome(disk: SimulatedDisk, directory: string, name: string): CopyHome {
  const folder = `${directory}/.holdfast/${name}`;
  const own = (id: number): string => `${folder}/${id}`;

  function currentId(): number | undefined {
    return contentOf<{ generation: number }>(disk, `${folder}/current`)?.generation;
  }

  /** An index that another has taken the place of is kept under a number behind its name. */
  function filesOf(id: number, kind: 'dat' | 'idx'): readonly string[] {
    const beside = `${own(id)}/${name}.${kind}`;
    const isKept = (path: string) =>
      path === beside || (path.startsWith(`${beside}.`) && /^[0-9]+$/.test(path.slice(beside.length + 1)));
    const present = id === currentId() ? [`${directory}/${name}.${kind}`] : [];
    return [...present, ...disk.files().filter(isKept)];
  }

  return {
    folder,
    currentId,
    comingId: () => contentOf<{ id: number }>(disk, `${folder}/swap`)?.id ?? currentId(),
    currentServer() {
      const path = `${own(currentId() ?? 0)}/position.json`;
      return contentOf<{ position: { leaderCopy: { server: string } } }>(disk, path)?.position.leaderCopy
        .server;
    },
    files: () =>
      disk
        .files()
        .filter((path) => path.startsWith(`${folder}/`) || path.startsWith(`${directory}/${name}.`)),
    generations() {
      const found = new Map<number, Set<string>>();
      for (const path of disk.files()) {
        if (!path.startsWith(`${folder}/`)) continue;
        const [id, file] = path.slice(folder.length + 1).split('/');
        if (file === undefined || !/^[1-9][0-9]*$/.test(id!)) continue;
        found.set(Number(id), (found.get(Number(id)) ?? new Set()).add(file));
      }
      return [...found].map(([id, files]) => ({
        id,
        directory: own(id),
        isUnfinished: files.has('build.json'),
        isFormer: files.has('former.json'),
        hasPosition: files.has('position.json'),
        isHeld: files.has('hold.json'),
        hasData: files.has(`${name}.dat`),
      }));
    },
    present() {
      const [dat, idx] = [`${directory}/${name}.dat`, `${directory}/${name}.idx`];
      const files = disk.files();
      return files.includes(dat) && files.includes(idx)
        ? { dat: disk.peek(dat), idx: disk.peek(idx) }
        : undefined;
    },
    holds: (id, files) =>
      (['dat', 'idx'] as const).every((kind) =>
        filesOf(id, kind).some((path) => startsWith(disk.peek(path), files[kind])),
      ),
    isHeldDurably: (id) => disk.peekDurable(`${own(id)}/hold.json`) !== undefined,
  };
}

/** What a small file of a home says; `undefined` where there is none that can be read. */
function contentOf<T>(disk: SimulatedDisk, path: string): T | undefined {
  try {
    return (JSON.parse(Buffer.from(disk.peek(path)).toString()) as { content: T }).content;
  } catch (error) {
    if (isStoreError(error, 'not-found') || error instanceof SyntaxError) return undefined;
    throw error;
  }
}
