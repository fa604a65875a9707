import {
  type CrashKind,
  createSimulatedDisk,
  createSimulatedMachine,
  createSimulatedScheduler,
  type SimulatedDisk,
} from '@holdfast/testkit';
import { Violation } from '../oracles/violation.js';
import type { CrashProcess, CrashScenario } from './crash-scenario.js';
import type { CrashVariant } from './crash-variant.js';

/** More virtual time than anything here takes. */
const LIMIT_MS = 3_600_000;

/** One machine, from the beginning of a scenario over its crashes to the last look. */
export interface CrashWorld<State> {
  readonly disk: SimulatedDisk;
  readonly state: State;
  /** A process does something. A violation where it never ends. */
  run<T>(task: (process: CrashProcess) => Promise<T>): Promise<T>;
  /**
   * The same with a crash at its operation `at`, counted from 0; the crash comes also where there are fewer. Gives how
   * many operations were begun, and whether the process was through before.
   */
  runAndCrash(
    task: (process: CrashProcess) => Promise<void>,
    at: number,
    kind: CrashKind,
  ): Promise<{ readonly operations: number; readonly isThrough: boolean }>;
}

export async function createCrashWorld<State>(
  scenario: CrashScenario<State>,
  variant: CrashVariant,
  seed: number,
): Promise<CrashWorld<State>> {
  const scheduler = createSimulatedScheduler();
  const { tearBytes, isHalfDone } = variant;
  const disk = createSimulatedDisk({ seed, tearBytes, hasLinks: scenario.hasLinks ?? true });
  const machine = createSimulatedMachine({ scheduler, disk, seed: 1 });

  async function run<T>(task: (process: CrashProcess) => Promise<T>): Promise<T> {
    const { env, timers, kill } = machine.startProcess();
    const end = await scheduler.run(() => task({ env, timers, disk }), LIMIT_MS);
    kill();
    if (end.kind === 'done') return end.value;
    if (end.kind === 'failed') throw end.error;
    throw new Violation('bounded', 'a process that ends', `one that is ${end.kind}`);
  }

  const state = await run((process) => scenario.begin(process));
  return {
    disk,
    state,
    run,
    async runAndCrash(task, at, kind) {
      disk.forget();
      if (isHalfDone) {
        disk.inject(() => {
          if (disk.operations.length !== at + 1) return undefined;
          disk.crashAfter(0);
          return 'disk-failed';
        });
      } else {
        disk.crashAfter(at);
      }
      let isThrough = true;
      try {
        await run(task);
      } catch (error) {
        if (error instanceof Violation) throw error;
        isThrough = false;
      }
      const operations = disk.operations.length;
      disk.inject(undefined);
      machine.crash(kind);
      return { operations, isThrough };
    },
  };
}
