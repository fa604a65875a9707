import type { ReplicaPlacement, Ttl, Version, VolumeInfo, VolumeName } from '@holdfast/format';
import type { DiskFile } from '@holdfast/store';
import type { StoredVolume } from './stored-volume.js';

export interface AllocateOptions {
  readonly volumeId: number;
  /** `""`: none. */
  readonly collection: string;
  /** Default `000`. */
  readonly replicaPlacement?: ReplicaPlacement;
  /** Default none. */
  readonly ttl?: Ttl;
  /** Default 3. */
  readonly version?: Version;
}

/** What has become of a volume: it came, it went, or its revision or read-only state is another one. */
export interface StoreChange {
  readonly kind: 'added' | 'removed' | 'changed';
  readonly name: VolumeName;
}

/** A directory of volumes that this process alone writes. Every failure is a `StoreError`. */
export interface NeedleStore {
  readonly directory: string;
  /** What `vol_dir.uuid` says: a master sees by it that two servers have one directory. */
  readonly uuid: string;
  /** Volumes that are open, in no order. */
  list(): readonly StoredVolume[];
  /** An open volume. Ids are unique in a directory; a collection that is given has to be the volume's. */
  find(volumeId: number, collection?: string): StoredVolume | undefined;
  /** A new, empty volume, durable. `exists` if there is one by that id, in whichever collection. */
  allocate(options: AllocateOptions): Promise<StoredVolume>;
  /**
   * A volume whose files come from elsewhere: `write` brings them; then they are made durable, read through (`corrupt`),
   * named and opened. `exists` if there is one by that id. Nothing is left of them where it fails.
   */
  receive(
    name: VolumeName,
    write: (files: { readonly dat: DiskFile; readonly idx: DiskFile }) => Promise<VolumeInfo>,
  ): Promise<StoredVolume>;
  /**
   * Opens the volume whose files are in the directory, recovered; one that is open stays as it is, unless it is closed
   * for writing since a sync failed. `not-found`; errors as `openVolume`.
   */
  mount(volumeId: number): Promise<StoredVolume>;
  /** Closes a volume, its files stay; nothing happens where it is not open. */
  unmount(volumeId: number): Promise<void>;
  /** Closes a volume and removes its files. `not-found`; `volume-not-empty` with `onlyEmpty`. */
  delete(volumeId: number, options?: { readonly onlyEmpty?: boolean }): Promise<void>;
  /** Gives back what ends it. */
  onChange(listener: (change: StoreChange) => void): () => void;
  /** Called each time that more of a volume is durable. Gives back what ends it. */
  onDurable(listener: (name: VolumeName) => void): () => void;
  /** Makes everything durable, closes the volumes and gives the directory free. Idempotent. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
