import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { WeedCluster } from './weed-cluster.js';

const run = promisify(execFile);

/** One command of the real `weed`, to its end. Gives standard output; fails where it does not exit with 0. */
export async function weedCommand(
  { binary, directory }: Pick<WeedCluster, 'binary' | 'directory'>,
  ...args: readonly string[]
): Promise<string> {
  const options = { cwd: directory, env: { ...process.env, HOME: directory }, timeout: 30_000 };
  return (await run(binary, args, options)).stdout;
}

/** Commands of `weed shell`, in one session that has the cluster's lock. */
export async function weedShell(
  cluster: WeedCluster & { readonly filerAddress?: string },
  ...commands: readonly string[]
): Promise<string> {
  const { binary, directory, masterAddress, filerAddress } = cluster;
  const options = { cwd: directory, env: { ...process.env, HOME: directory }, timeout: 60_000 };
  const filer = filerAddress === undefined ? [] : [`-filer=${filerAddress}`];
  const session = run(binary, ['shell', `-master=${masterAddress}`, ...filer], options);
  session.child.stdin!.end(['lock', ...commands, 'unlock', ''].join('\n'));
  const { stdout, stderr } = await session;
  return stdout + stderr;
}
