import type { StoreEnvironment } from '../environment.js';
import { isStoreError } from '../errors.js';
import type { HomeLayout } from './layout.js';
import { decodePositionRecord, encodePositionRecord, type PositionRecord } from './position-record.js';
import { readSealed, writeSealed } from './sealed-file.js';

/** What everything in one home shares. */
export interface HomeContext {
  readonly env: StoreEnvironment;
  readonly layout: HomeLayout;
  /** Fails unless this process still has the directory's lock: asked before every rename that moves a position. */
  readonly assertLocked: () => Promise<void>;
}

/** Why a former generation, or a state of the current one, is kept from pruning. */
export type HoldReason = 'loss-guard' | 'leader-damaged';

/** The id of the held generation; `undefined` if there has been none. */
export function readCurrent(env: StoreEnvironment, layout: HomeLayout): Promise<number | undefined> {
  return readSealed(env, layout.current, (fields) => fields.integer('generation'));
}

export function writeCurrent(context: HomeContext, generation: number): Promise<void> {
  return writeSealed(context.env, context.layout.current, { generation }, context.assertLocked);
}

export function readPosition(
  env: StoreEnvironment,
  layout: HomeLayout,
  id: number,
): Promise<PositionRecord | undefined> {
  return readSealed(env, layout.generation(id).position, decodePositionRecord);
}

export function writePosition(context: HomeContext, id: number, record: PositionRecord): Promise<void> {
  const { env, layout, assertLocked } = context;
  return writeSealed(env, layout.generation(id).position, encodePositionRecord(record), assertLocked);
}

/** The generation whose files may have bytes of ours behind their committed lengths. */
export function readAppendNote(env: StoreEnvironment, layout: HomeLayout): Promise<number | undefined> {
  return readSealed(env, layout.append, (fields) => fields.integer('generation'));
}

export function writeAppendNote(context: HomeContext, generation: number): Promise<void> {
  return writeSealed(context.env, context.layout.append, { generation }, context.assertLocked);
}

export function readHold(
  env: StoreEnvironment,
  layout: HomeLayout,
  id: number,
): Promise<HoldReason | undefined> {
  return readSealed(env, layout.generation(id).hold, (fields) =>
    fields.text('reason', /^(loss-guard|leader-damaged)$/),
  ) as Promise<HoldReason | undefined>;
}

export function writeHold(context: HomeContext, id: number, reason: HoldReason): Promise<void> {
  return writeSealed(context.env, context.layout.generation(id).hold, { reason });
}

/** What a file says, or `otherwise` where it is damaged. */
export async function unlessDamaged<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isStoreError(error, 'position-damaged')) return otherwise;
    throw error;
  }
}

/** What is written down of a generation that has been replaced, or is held: `null` where nothing readable says so. */
export interface KeptRecord {
  readonly replacedAtMs: number | null;
  readonly heldFor: HoldReason | null;
}

export async function readKept(env: StoreEnvironment, layout: HomeLayout, id: number): Promise<KeptRecord> {
  const replacedAtMs = await unlessDamaged(
    readSealed(env, layout.generation(id).former, (fields) => fields.integer('replacedAtMs')),
    undefined,
  );
  // What a damaged hold was for is lost; that it holds is not.
  const hold = await unlessDamaged<HoldReason | undefined>(readHold(env, layout, id), 'loss-guard');
  return { replacedAtMs: replacedAtMs ?? null, heldFor: hold ?? null };
}
