import type { Random } from '@holdfast/format';
import { type Disk, type DiskFile, type FileStat, StoreError, type StoreErrorCode } from '@holdfast/store';
import { createSeededRandom } from '../seeded-random.js';
import { createSimulatedContent, type SimulatedContent, type TearSizeBytes } from './content.js';
import { type CrashKind, survivesIn } from './crash-kind.js';
import type { DiskOperation } from './disk-operation.js';
import { createSimulatedNames, parentOf } from './names.js';

export interface SimulatedDiskOptions {
  readonly seed: number;
  /** Default: true. */
  readonly hasLinks?: boolean;
  /** Default: 1 TiB. */
  readonly capacityBytes?: number;
  /** What a write is torn into by a power failure. Default: 512. */
  readonly tearBytes?: TearSizeBytes;
}

export interface SimulatedDisk extends Disk {
  /** Everything since the beginning or the last `forget`, failed calls included. */
  readonly operations: readonly DiskOperation[];
  forget(): void;
  /** Stops the machine: every file that is open is lost, and the disk works again at once. */
  crash(kind?: CrashKind): void;
  /** Lets `count` more operations through; from then on every call fails until `crash`. */
  crashAfter(count: number): void;
  /** Asked before each operation: a code makes it fail with it. A failed sync loses what it should have made durable. */
  inject(failure: ((operation: DiskOperation) => StoreErrorCode | undefined) | undefined): void;
  /** Makes bytes of a file unreadable, as bad sectors are: reads that touch them fail with `disk-failed` from now on. */
  spoil(path: string, offset: number, lengthBytes: number): void;
  /** One bit of a file changes, and nothing of what `stat` tells. */
  flip(path: string, offset: number, bit: number): void;
  /** Somebody writes into the file what it holds already: it is another one to `stat`. */
  touch(path: string): void;
  /** Content as it is seen. Error `not-found`. */
  peek(path: string): Uint8Array;
  /** What would be there if the power failed now and nothing survived of what was not synced. */
  peekDurable(path: string): Uint8Array | undefined;
  /** Gives a path this content, durably: somebody else's doing. Its directories are made. */
  plant(path: string, bytes: Uint8Array): void;
  /** Gives the disk another capacity: somebody makes room. */
  resize(capacityBytes: number): void;
  /** Paths of all files, sorted. */
  files(): readonly string[];
}

interface Node {
  readonly key: string;
  readonly content: SimulatedContent | undefined;
  mtimeNs: bigint;
  /** What is left of it after a power failure: a sync of the data need not write it. */
  durableMtimeNs: bigint;
}

const CAPACITY_BYTES = 2 ** 40;
const FIRST_MTIME_NS = 1_700_000_000_000_000_000n;

export function createSimulatedDisk(options: SimulatedDiskOptions): SimulatedDisk {
  const random: Random = createSeededRandom(options.seed);
  const { tearBytes = 512 } = options;
  let { capacityBytes = CAPACITY_BYTES } = options;
  const names = createSimulatedNames<Node>();
  let operations: DiskOperation[] = [];
  let failure: ((operation: DiskOperation) => StoreErrorCode | undefined) | undefined;
  let remaining = Number.POSITIVE_INFINITY;
  let boot = 0;
  let nodeCount = 0;
  let mtimeNs = FIRST_MTIME_NS;

  const fail = (code: StoreErrorCode, path: string): StoreError =>
    new StoreError(code, `${path}: ${code} (simulated)`, { path });

  function assertRunning(path: string): void {
    if (remaining <= 0) throw fail('disk-failed', path);
  }

  /** Counts an operation. `onFailure` is what a failing one does all the same. */
  function begin(operation: DiskOperation, onFailure?: () => void): void {
    assertRunning(operation.path);
    operations.push(operation);
    const code = failure?.(operation);
    if (code !== undefined) {
      onFailure?.();
      throw fail(code, operation.path);
    }
    remaining--;
  }

  function nodeAt(path: string): Node {
    const node = names.visible.get(path);
    if (node === undefined) throw fail('not-found', path);
    return node;
  }

  function contentAt(path: string): SimulatedContent {
    const { content } = nodeAt(path);
    if (content === undefined) throw fail('disk-failed', path);
    return content;
  }

  function createNode(isFile: boolean): Node {
    mtimeNs++;
    return {
      key: `simulated:${++nodeCount}`,
      content: isFile ? createSimulatedContent() : undefined,
      mtimeNs,
      durableMtimeNs: mtimeNs,
    };
  }

  function assertParent(path: string): void {
    const parent = names.visible.get(parentOf(path));
    if (parentOf(path) !== '' && (parent === undefined || parent.content !== undefined))
      throw fail('not-found', path);
  }

  function statOf(node: Node): FileStat {
    const sizeBytes = node.content?.visible.length ?? 0;
    const kind = node.content === undefined ? 'directory' : 'file';
    return { kind, sizeBytes, fileKey: node.key, mtimeNs: node.mtimeNs };
  }

  const usedBytes = (): number =>
    [...new Set(names.visible.values())].reduce((sum, node) => sum + (node.content?.visible.length ?? 0), 0);

  function childrenOf(path: string): readonly string[] {
    return [...names.visible.keys()].filter((name) => parentOf(name) === path).sort();
  }

  function openNode(path: string, node: Node, content: SimulatedContent, isReadOnly: boolean): DiskFile {
    const openedIn = boot;
    let isClosed = false;
    const check = (): void => {
      assertRunning(path);
      if (isClosed || openedIn !== boot) throw fail('closed', path);
    };
    const checkWritable = (): void => {
      check();
      if (isReadOnly) throw fail('not-permitted', path);
    };
    return {
      async sizeBytes() {
        check();
        return content.visible.length;
      },
      async readAt(offset, lengthBytes) {
        check();
        if (content.isSpoiled(offset, lengthBytes)) throw fail('disk-failed', path);
        return content.visible.slice(offset, offset + lengthBytes);
      },
      async writeAt(offset, bytes) {
        checkWritable();
        const halfWritten = (): void => content.write(offset, bytes.subarray(0, bytes.length >> 1));
        begin({ kind: 'write', path, lengthBytes: bytes.length }, halfWritten);
        const growthBytes = Math.max(0, offset + bytes.length - content.visible.length);
        if (growthBytes > 0 && usedBytes() + growthBytes > capacityBytes) {
          halfWritten();
          throw fail('no-space', path);
        }
        content.write(offset, bytes);
        node.mtimeNs = ++mtimeNs;
      },
      async truncate(sizeBytes) {
        checkWritable();
        begin({ kind: 'truncate', path, lengthBytes: sizeBytes });
        content.truncate(sizeBytes);
        node.mtimeNs = ++mtimeNs;
      },
      async syncData() {
        checkWritable();
        begin({ kind: 'sync-data', path }, () => content.failSync(random));
        content.sync();
      },
      async stat() {
        check();
        return statOf(node);
      },
      async close() {
        isClosed = true;
      },
    };
  }

  return {
    async open(path, { mode }) {
      assertRunning(path);
      const found = names.visible.get(path);
      if (found !== undefined) {
        if (mode === 'create-new') throw fail('exists', path);
        return openNode(path, found, contentAt(path), mode === 'read');
      }
      if (mode === 'read' || mode === 'write') throw fail('not-found', path);
      assertParent(path);
      begin({ kind: 'create', path });
      const node = createNode(true);
      names.change([path], (map) => map.set(path, node));
      return openNode(path, node, node.content!, false);
    },
    async stat(path) {
      assertRunning(path);
      const node = names.visible.get(path);
      return node === undefined ? undefined : statOf(node);
    },
    async list(path) {
      assertRunning(path);
      if (nodeAt(path).content !== undefined) throw fail('not-found', path);
      return childrenOf(path).map((child) => child.slice(path.length + 1));
    },
    async makeDirectory(path) {
      assertRunning(path);
      if (names.visible.has(path)) throw fail('exists', path);
      assertParent(path);
      begin({ kind: 'make-directory', path });
      const node = createNode(false);
      names.change([path], (map) => map.set(path, node));
    },
    async removeDirectory(path) {
      assertRunning(path);
      if (nodeAt(path).content !== undefined) throw fail('not-found', path);
      if (childrenOf(path).length > 0) throw fail('exists', path);
      begin({ kind: 'remove-directory', path });
      names.change([path], (map) => map.delete(path));
    },
    async rename(from, to) {
      assertRunning(from);
      const node = nodeAt(from);
      contentAt(from);
      assertParent(to);
      begin({ kind: 'rename', path: from, to });
      // As POSIX has it: between two names of one file a rename does nothing.
      if (names.visible.get(to) === node) return;
      names.change([from, to], (map) => {
        map.set(to, node);
        map.delete(from);
      });
    },
    async link(existing, added) {
      assertRunning(existing);
      const node = nodeAt(existing);
      contentAt(existing);
      assertParent(added);
      if (names.visible.has(added)) throw fail('exists', added);
      if (options.hasLinks === false) throw fail('links-unsupported', added);
      begin({ kind: 'link', path: existing, to: added });
      names.change([added], (map) => map.set(added, node));
    },
    async remove(path) {
      assertRunning(path);
      contentAt(path);
      begin({ kind: 'remove', path });
      names.change([path], (map) => map.delete(path));
    },
    async syncDirectory(path) {
      assertRunning(path);
      nodeAt(path);
      begin({ kind: 'sync-directory', path });
      names.syncDirectory(path);
    },
    async freeBytes() {
      return Math.max(0, capacityBytes - usedBytes());
    },

    get operations() {
      return operations;
    },
    forget() {
      operations = [];
    },
    crash(kind = 'power') {
      boot++;
      remaining = Number.POSITIVE_INFINITY;
      if (kind === 'process') return;
      const nodes = new Set(names.visible.values());
      names.losePower(survivesIn(kind, random));
      for (const node of names.visible.values()) nodes.add(node);
      for (const node of nodes) {
        const survives = survivesIn(kind, random);
        node.content?.losePower(survives, tearBytes);
        if (!survives()) node.mtimeNs = node.durableMtimeNs;
        node.durableMtimeNs = node.mtimeNs;
      }
    },
    crashAfter(count) {
      remaining = count;
    },
    inject(injected) {
      failure = injected;
    },
    spoil: (path, offset, lengthBytes) => contentAt(path).spoil(offset, lengthBytes),
    flip: (path, offset, bit) => contentAt(path).flip(offset, bit),
    touch(path) {
      const node = nodeAt(path);
      node.mtimeNs = ++mtimeNs;
      node.durableMtimeNs = mtimeNs;
    },
    peek: (path) => contentAt(path).visible.slice(),
    peekDurable: (path) => names.durable.get(path)?.content?.durable.slice(),
    plant(path, bytes) {
      const directories: string[] = [];
      for (let parent = parentOf(path); parent !== ''; parent = parentOf(parent)) directories.unshift(parent);
      for (const directory of directories) {
        if (names.visible.has(directory)) continue;
        const made = createNode(false);
        names.change([directory], (map) => map.set(directory, made));
        names.syncDirectory(parentOf(directory));
      }
      const node = createNode(true);
      node.content!.write(0, bytes);
      node.content!.sync();
      names.change([path], (map) => map.set(path, node));
      names.syncDirectory(parentOf(path));
    },
    resize(bytes) {
      capacityBytes = bytes;
    },
    files: () =>
      [...names.visible]
        .filter(([, node]) => node.content !== undefined)
        .map(([path]) => path)
        .sort(),
  };
}
