import type { Timers } from '@holdfast/format';
import type { StoreEnvironment } from '@holdfast/store';
import type { SimulatedDisk } from '@holdfast/testkit';

/** A process on the machine of a scenario; after a crash there is another one. */
export interface CrashProcess {
  readonly env: StoreEnvironment;
  readonly timers: Timers;
  /** What the machine has, as anybody can see it. */
  readonly disk: SimulatedDisk;
}

/**
 * Something that changes a disk, of which a crash at any operation must leave a good state. Everything in it is the
 * same each time, so that operation `n` of `change` always is the same one.
 */
export interface CrashScenario<State = unknown> {
  readonly name: string;
  /** Default true. */
  readonly hasLinks?: boolean;
  /** What is there before; none of it is lost with the power. */
  begin(process: CrashProcess): Promise<State>;
  /** What crashes. `promise` is told of everything that would have been reported by then. */
  change(process: CrashProcess, state: State, promise: (what: string) => void): Promise<void>;
  /** What a plain start does to what it finds. It crashes as well. */
  restart(process: CrashProcess, state: State): Promise<void>;
  /**
   * Looks at what is there after a restart and throws a `Violation` where a promise is not kept, or where it is no good
   * state. Changes nothing.
   */
  judge(process: CrashProcess, state: State, promises: readonly string[]): Promise<void>;
  /** Whether `change` may be called again when it was through. Default true; after a crash it always may. */
  readonly isRepeatable?: boolean;
}
