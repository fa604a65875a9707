import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startProxiedServer } from '../proxied-server.js';
import { startWeedCluster } from '../weed-cluster.js';
import type { WeedVolumeServer } from '../weed-volume-server.js';
import { type BackupTool, holdfastTool, type ToolRun, weedTool } from './backup-tool.js';
import type { ComparedLife, ComparedStep, World } from './compared-lives.js';
import { type CopyState, judgeCopy } from './judge-copy.js';

/** What is found after a step; beside the states of the copy, what became of the run and of the leader. */
export type Finding = CopyState | 'hung' | 'deleted-copy' | 'error' | 'killed-leader';

export interface StepResult extends ToolRun {
  /** Empty where a step is judged together with the next one. */
  readonly found: readonly Finding[];
}

export interface LifeResult {
  readonly steps: readonly StepResult[];
  /** All that was found, in the order in which it was; `equal` alone: after every step. */
  readonly found: readonly Finding[];
  /** Whether a run said success, or ended with 0, while the copy was not its leader's. */
  readonly saidSuccessWrongly: boolean;
}

export interface ComparedLifeResult {
  readonly life: string;
  readonly weedBackup: LifeResult;
  readonly holdfastBackup: LifeResult;
}

/** Each life twice, on volumes of their own, through both tools. The real servers are this run's own. */
export async function compareLives(
  lives: readonly ComparedLife[],
  onResult: (result: ComparedLifeResult) => void = () => {},
): Promise<readonly ComparedLifeResult[]> {
  const results: ComparedLifeResult[] = [];
  for (const life of lives) {
    const weedBackup = await liveOut(life, weedTool);
    const holdfastBackup = await liveOut(life, holdfastTool);
    const result = { life: life.name, weedBackup, holdfastBackup };
    results.push(result);
    onResult(result);
  }
  return results;
}

const VOLUME_ID = 1;

async function liveOut(life: ComparedLife, tool: BackupTool): Promise<LifeResult> {
  const cluster = await startWeedCluster({ volumeServers: 0 });
  const readers = await startWeedCluster();
  const parent = await mkdtemp(join(tmpdir(), 'holdfast-compared-'));
  const directory = join(parent, 'copy');
  const proxied = await startProxiedServer(cluster);
  try {
    await mkdir(directory);
    const { server, grpc } = proxied;
    const other = await cluster.addServer();
    const world: World = { cluster, server, grpc, other, volumeId: VOLUME_ID, directory };
    await server.allocate(VOLUME_ID, life.allocate);
    await cluster.waitForVolume(VOLUME_ID);
    const steps: StepResult[] = [];
    let had: readonly Finding[] = ['no-copy'];
    for (const step of life.steps) {
      const result = await liveStep(world, life, step, tool, readers.servers[0]!, had);
      steps.push(result);
      if (result.found.length > 0) had = result.found;
    }
    return summed(steps);
  } finally {
    await proxied.close();
    await cluster.stop();
    await readers.stop();
    await rm(parent, { recursive: true, force: true });
  }
}

async function liveStep(
  world: World,
  life: ComparedLife,
  step: ComparedStep,
  tool: BackupTool,
  reader: WeedVolumeServer,
  had: readonly Finding[],
): Promise<StepResult> {
  const { grpc, directory, volumeId } = world;
  const leader = step.leader?.(world) ?? world.server;
  await step.act(world);
  const running = tool.run(world, life);
  if (step.meanwhile !== undefined) {
    await Promise.race([grpc.received(grpc.receivedBytes + step.meanwhile.afterBytes), running]);
    await step.meanwhile.act(world).catch(() => undefined);
  }
  const run = await running;
  const found: Finding[] = [];
  if (!run.ended) found.push('hung');
  else if (run.exitCode !== 0 || !run.saidSuccess) found.push('error');
  if (!(await staysAlive(leader))) {
    found.push('killed-leader');
    await leader.start();
  }
  if (step.meanwhile !== undefined) return { ...run, found };
  for (const state of await judgeCopy({ leader, directory, volumeId, reader }))
    found.push(state === 'no-copy' && !had.includes('no-copy') ? 'deleted-copy' : state);
  return { ...run, found };
}

function staysAlive(server: WeedVolumeServer): Promise<boolean> {
  return server.assertStaysAlive().then(
    () => true,
    () => false,
  );
}

function summed(steps: readonly StepResult[]): LifeResult {
  const all = [...new Set(steps.flatMap(({ found }) => found))];
  const wrong = all.filter((finding) => finding !== 'equal');
  return {
    steps,
    found: wrong.length === 0 ? ['equal'] : wrong,
    saidSuccessWrongly: steps.some(
      ({ saidSuccess, found }) => saidSuccess && found.some((finding) => finding !== 'equal'),
    ),
  };
}
