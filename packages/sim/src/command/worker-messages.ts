import type { Failure } from '../run/failure.js';
import type { Figures } from '../run/figures.js';
import type { Mode } from '../schedule/schedule.js';

/** What a worker is asked to do: the schedules of seeds [firstSeed, firstSeed + count). */
export interface Batch {
  readonly mode: Mode;
  readonly firstSeed: number;
  readonly count: number;
}

export type WorkerMessage =
  | { readonly kind: 'began'; readonly seed: number }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'done'; readonly figures: Figures };
