import type { HuntName } from './hunts/hunts.js';

/** A number of a sentence of *What must always hold*. */
export type SentenceNumber = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12;

/** One place of a source that is written otherwise. */
export interface PlantedEdit {
  /** From `packages/` on. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly from: string;
  readonly to: string;
}

/** A mistake that somebody could have made, put into a package's source for one process only. */
export interface PlantedBug {
  readonly name: string;
  /** The sentence that it breaks. */
  readonly breaks: SentenceNumber;
  /** In words. */
  readonly mistake: string;
  readonly edits: readonly PlantedEdit[];
  /** What is to find it: they take turns. */
  readonly hunts: readonly HuntName[];
}

/** A bug whose hunts are those of the list that it stands in. */
export type ListedBug = Omit<PlantedBug, 'hunts'> & Partial<Pick<PlantedBug, 'hunts'>>;

/** A bug of one edit; `hunts` where they are not those of its list. */
export function plantedBug(
  name: string,
  breaks: SentenceNumber,
  mistake: string,
  file: string,
  from: string,
  to: string,
  hunts?: readonly HuntName[],
): ListedBug {
  const edits = [{ file, from, to }];
  return { name, breaks, mistake, edits, ...(hunts && { hunts }) };
}

/** The bugs of a list, hunted by `hunts` where a bug does not say otherwise. */
export function huntedBy(hunts: readonly HuntName[], bugs: readonly ListedBug[]): readonly PlantedBug[] {
  return bugs.map((bug) => ({ hunts, ...bug }));
}
