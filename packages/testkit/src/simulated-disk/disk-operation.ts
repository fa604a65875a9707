/** A call that changes something, or makes it durable. */
export interface DiskOperation {
  readonly kind:
    | 'create'
    | 'write'
    | 'truncate'
    | 'sync-data'
    | 'make-directory'
    | 'remove-directory'
    | 'rename'
    | 'link'
    | 'remove'
    | 'sync-directory';
  readonly path: string;
  /** The second path of a rename or link. */
  readonly to?: string;
  readonly lengthBytes?: number;
}
