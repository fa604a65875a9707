import type { StoreEnvironment } from '@holdfast/store';
import * as v from 'valibot';
import { readOwnJson, replaceOwnText } from './own-files.js';
import { instantSchema, volumesOf } from './schema.js';
import { version } from './version.js';
import {
  type GenerationStatus,
  generationStatusSchema,
  runEntries,
  type VerificationStatus,
  type VolumeRun,
  verificationStatusSchema,
} from './volume-status.js';

const NAME = 'status.json';
const FORMAT = 1;

/** One volume of `status.json`. */
export interface VolumeStatus extends VolumeRun {
  readonly lastVerification: VerificationStatus | null;
  readonly generations: readonly GenerationStatus[];
}

/** `DIR/.holdfast/status.json`: how every volume stands, by base name, as the runs that write into DIR know it. */
export interface StatusDocument {
  readonly format: typeof FORMAT;
  /** The version of Holdfast that wrote it. */
  readonly holdfast: string;
  readonly verb: string;
  readonly writtenAt: string;
  readonly volumes: Readonly<Record<string, VolumeStatus>>;
}

const documentSchema = v.object({
  format: v.literal(FORMAT),
  holdfast: v.string(),
  verb: v.string(),
  writtenAt: instantSchema,
  volumes: v.optional(v.unknown()),
});
const volumeStatusSchema = v.object({
  ...runEntries,
  lastVerification: v.nullable(verificationStatusSchema),
  generations: v.array(generationStatusSchema),
});

export function createStatusDocument(
  verb: string,
  writtenAt: string,
  volumes: StatusDocument['volumes'],
): StatusDocument {
  return { format: FORMAT, holdfast: version, verb, writtenAt, volumes };
}

/**
 * `undefined` where there is none, or none that this version can read. A volume of which it does not say what it should
 * is left out: it is as one that no run has told of.
 */
export async function readStatus(
  env: StoreEnvironment,
  directory: string,
): Promise<StatusDocument | undefined> {
  const document = await readOwnJson(env, directory, NAME);
  if (!v.is(documentSchema, document)) return undefined;
  return { ...document, volumes: volumesOf(document.volumes, volumeStatusSchema) };
}

/** One volume a line, so that it can be looked at with the tools of any system. */
export function encodeStatus({ volumes, ...head }: StatusDocument): string {
  return encodeByLine(head, volumes);
}

/** A JSON object that has each of `volumes` on a line of its own. */
export function encodeByLine(
  head: Readonly<Record<string, unknown>>,
  volumes: Readonly<Record<string, unknown>>,
): string {
  const lines = Object.entries(volumes).map(
    ([name, volume]) => `${JSON.stringify(name)}:${JSON.stringify(volume)}`,
  );
  return `${JSON.stringify(head).slice(0, -1)},"volumes":{\n${lines.join(',\n')}\n}}\n`;
}

export async function writeStatus(
  env: StoreEnvironment,
  directory: string,
  document: StatusDocument,
): Promise<void> {
  await replaceOwnText(env, directory, NAME, encodeStatus(document));
}
