import { createSimulatedEnvironment, type SimulatedEnvironment } from '@holdfast/testkit';
import { changeJson } from '../change-json.js';
import { type CommandEnd, runCommand } from '../command-line.js';
import type { Dice } from '../dice.js';
import { DIRECTORY } from '../followed-directory.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { mutate } from '../mutate.js';
import { packParts, unpackParts } from '../parts.js';
import { createRecordedDirectory, type Files, RUNS, sha256 } from '../recorded-directory.js';

const RECORD_NAME = /^(\d{8,15}-\d{8}T\d{6}Z-)([0-9a-f]{64})(\.json)$/;
const FILES = /\/\.holdfast\/(?:status\.json|verification\.json|runs\/.*)$/;
const CHANGES_MAX = 3;
const AFTER_ALL = '2100-01-01T00:00:00Z';

/** What one change does. */
const MODES = ['other content', 'other content and the name that goes with it', 'another name'] as const;

/**
 * `status.json`, `verification.json` and the records of runs, changed: what `status` says of them, and what a run that
 * writes them anew makes of them. A record whose bytes are not those of its name is told.
 */
export const runFiles: FuzzTarget = {
  name: 'run-files',
  share: 2,
  async prepare() {
    const files = await createRecordedDirectory();
    const paths = [...files.keys()].filter((path) => FILES.test(path));
    return {
      make: (dice) => changedFiles(dice, files, paths),
      async run(input, dice) {
        const env = createSimulatedEnvironment({ seed: 1 });
        const changed = changeFiles(files, paths, input);
        for (const [path, bytes] of changed) env.disk.plant(path, bytes);
        await useFiles(env, changed, dice);
      },
    };
  },
};

/** Number, mode, content or name of each change. */
function changedFiles(dice: Dice, files: Files, paths: readonly string[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let changes = 1 + dice.below(CHANGES_MAX); changes > 0; changes--) {
    const number = dice.below(paths.length);
    const path = paths[number]!;
    const mode = path.startsWith(RUNS) ? dice.below(MODES.length) : 0;
    const content =
      MODES[mode] === 'another name'
        ? mutate(dice, [new TextEncoder().encode(path.slice(RUNS.length))])
        : changeJson(dice, [new TextDecoder().decode(files.get(path))]);
    parts.push(Uint8Array.of(number, mode), content);
  }
  return packParts([Uint8Array.of(parts.length), ...parts]);
}

function changeFiles(files: Files, paths: readonly string[], input: Uint8Array): Files {
  const [head, ...changes] = unpackParts(input, 1 + 2 * CHANGES_MAX);
  const changed = new Map(files);
  for (let i = 0; i + 1 < Math.min(changes.length, head![0] ?? 0); i += 2) {
    const [number = 0, mode = 0] = changes[i]!;
    const content = changes[i + 1]!;
    const path = paths[number % paths.length]!;
    const former = changed.get(path);
    if (former === undefined) continue;
    const name = path.slice(RUNS.length);
    switch (path.startsWith(RUNS) ? MODES[mode % MODES.length]! : MODES[0]) {
      case 'other content':
        changed.set(path, content);
        break;
      case 'other content and the name that goes with it':
        changed.delete(path);
        changed.set(RUNS + name.replace(RECORD_NAME, `$1${sha256(content)}$3`), content);
        break;
      default: {
        const other = new TextDecoder()
          .decode(content)
          .replaceAll(/[/\0\ufffd]/g, '')
          .slice(0, 100);
        if (other === '' || /^\.+$/.test(other)) break;
        changed.delete(path);
        changed.set(RUNS + other, former);
      }
    }
  }
  return changed;
}

async function useFiles(env: SimulatedEnvironment, files: Files, dice: Dice): Promise<void> {
  const status = (...more: readonly string[]) => runCommand(env, 'status', '--dir', DIRECTORY, ...more);
  env.disk.forget();
  const now = await status();
  expectEnd(now, 0);
  expectThat((now.summary.volumes as unknown[]).length === 1, 'status tells of other volumes');
  const { summary } = expectTyped(await status('--at', AFTER_ALL));
  const { chain } = summary as { readonly chain?: { readonly ok: boolean } };
  const isToBeTold = [...files].some(([path, bytes]) => isOtherRecord(path, bytes));
  expectThat(!isToBeTold || chain?.ok !== true, 'a record that was changed is not told');
  expectThat(env.disk.operations.length === 0, 'reading has changed something');
  if (!dice.once(2)) return;
  expectEnd(await status('--release', '7'), 0);
  expectEnd(await status(), 0);
}

/** Whether it has the name of a record and not the bytes. */
function isOtherRecord(path: string, bytes: Uint8Array): boolean {
  const name = path.startsWith(RUNS) ? path.slice(RUNS.length) : '';
  const [, head = '', digest] = RECORD_NAME.exec(name) ?? [];
  const time = head.replace(/^\d+-(....)(..)(..)T(..)(..)(..)Z-$/, '$1-$2-$3T$4:$5:$6Z');
  return digest !== undefined && !Number.isNaN(Date.parse(time)) && digest !== sha256(bytes);
}

function expectEnd(end: CommandEnd, exitCode: number): void {
  expectTyped(end);
  expectThat(end.exitCode === exitCode, `exit code ${end.exitCode}: ${end.stderr}`);
}

function expectTyped(end: CommandEnd): CommandEnd {
  expectThat(end.summary.code !== 'internal', end.stderr);
  return end;
}
