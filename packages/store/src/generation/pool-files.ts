import { isStoreError } from '../errors.js';
import { boundedAccess } from './bounded-access.js';
import { listFormer } from './former-generations.js';
import type { HomeContext } from './home-records.js';
import type { FormerGeneration, PoolFiles, VolumeHome } from './volume-home.js';

/**
 * The pool from the newest on: what a build left unfinished, what is held, former generations, foreign files. Former ones are
 * opened when they are come to; those that cannot be are passed over.
 */
export async function* openPoolFiles(
  context: HomeContext,
  current: number | undefined,
  home: Pick<VolumeHome, 'held' | 'superseded' | 'foreign'>,
): AsyncGenerator<PoolFiles, void, undefined> {
  const { held, superseded, foreign } = home;
  const close = async () => {};
  if (superseded !== undefined) {
    const { target, dat, idx } = superseded;
    const { leaderCopy, offsetWidthBytes } = target;
    yield { kind: 'unfinished', leaderCopy, offsetWidthBytes, dat, idx, close };
  }
  if (held !== undefined) {
    const { leaderCopy, offsetWidthBytes } = held.position;
    yield { kind: 'held', leaderCopy, offsetWidthBytes, dat: held.dat, idx: held.idx, close };
  }
  for (const former of await listFormer(context, current)) {
    const files = await openFormer(context, former);
    if (files !== undefined) yield files;
  }
  if (foreign !== undefined) {
    const { dat, idx } = foreign;
    yield { kind: 'foreign', leaderCopy: undefined, offsetWidthBytes: undefined, dat, idx, close };
  }
}

async function openFormer(
  context: HomeContext,
  { id, position }: FormerGeneration,
): Promise<PoolFiles | undefined> {
  const { disk } = context.env;
  const own = context.layout.generation(id);
  try {
    const dat = await disk.open(own.dat, { mode: 'read' });
    const idx = await disk.open(own.idx, { mode: 'read' }).catch(() => undefined);
    return {
      kind: 'former',
      leaderCopy: position?.leaderCopy,
      offsetWidthBytes: position?.offsetWidthBytes,
      dat: position === null ? dat : boundedAccess(dat, () => position.datSizeBytes),
      idx: idx === undefined || position === null ? idx : boundedAccess(idx, () => position.idxSizeBytes),
      async close() {
        await dat.close();
        await idx?.close();
      },
    };
  } catch (error) {
    if (isStoreError(error, 'disk-failed', 'not-found')) return undefined;
    throw error;
  }
}
