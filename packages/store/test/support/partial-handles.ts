import { type FileHandle, open } from 'node:fs/promises';

/** What one call of the system comes to. */
export type Transfer =
  | { readonly kind: 'whole' }
  /** A part of the bytes, at least one. */
  | { readonly kind: 'short'; readonly share: number }
  /** No byte taken, and no error. */
  | { readonly kind: 'none' }
  | { readonly kind: 'error'; readonly code: string };

export interface PartialHandles {
  readonly openHandle: typeof open;
  /** How often what has happened, e.g. `direct write: short`. */
  readonly counts: Map<string, number>;
  /** Handles that nobody has closed. */
  readonly openCount: () => number;
}

/** Real files, by handles whose calls transfer what `transfers` says, one after the other, and then all. */
export function createPartialHandles(
  transfers: readonly Transfer[],
  refuses: (path: string) => string | undefined = () => undefined,
): PartialHandles {
  const left = [...transfers];
  const counts = new Map<string, number>();
  const living = new Set<FileHandle>();

  /** How much of so many bytes the next call is to transfer. */
  function next(call: string, lengthBytes: number): number {
    const transfer = left.shift() ?? { kind: 'whole' };
    const name = `${call}: ${transfer.kind === 'error' ? transfer.code : transfer.kind}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    if (transfer.kind === 'error') throw systemError(transfer.code);
    if (transfer.kind === 'none') return 0;
    return transfer.kind === 'short' ? Math.max(1, Math.floor(lengthBytes * transfer.share)) : lengthBytes;
  }

  function wrapped(handle: FileHandle, isDirect: boolean): FileHandle {
    const where = isDirect ? 'direct' : 'plain';
    const overrides: Readonly<Record<string, unknown>> = {
      async read(bytes: Uint8Array, at: number, lengthBytes: number, offset: number) {
        return await handle.read(bytes, at, next(`${where} read`, lengthBytes), offset);
      },
      async write(bytes: Uint8Array, at: number, lengthBytes: number, offset: number) {
        const takenBytes = next(`${where} write`, lengthBytes);
        if (takenBytes === 0) return { bytesWritten: 0, buffer: bytes };
        if (isDirect && takenBytes < lengthBytes)
          return await writeBesides(handle, bytes.subarray(at, at + takenBytes), offset);
        return await handle.write(bytes, at, takenBytes, offset);
      },
      async close() {
        living.delete(handle);
        await handle.close();
      },
    };
    return new Proxy(handle, {
      get(target, name) {
        const override = overrides[String(name)];
        if (override !== undefined) return override;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  }

  return {
    async openHandle(path, flags, mode) {
      const code = refuses(String(path));
      if (code !== undefined) throw systemError(code);
      const handle = await open(path, flags, mode);
      living.add(handle);
      return wrapped(handle, String(path).startsWith('/proc/'));
    },
    counts,
    openCount: () => living.size,
  };
}

/** Past the cache the system may end a write anywhere, but is given none that would end so. */
async function writeBesides(direct: FileHandle, bytes: Uint8Array, offset: number) {
  const plain = await open(`/proc/self/fd/${direct.fd}`, 'r+');
  try {
    return await plain.write(bytes, 0, bytes.length, offset);
  } finally {
    await plain.close();
  }
}

export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}
