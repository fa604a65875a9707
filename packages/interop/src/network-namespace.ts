import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A network of a test's own, with addresses that are not loopback and that nobody outside reaches. */
export interface NetworkNamespace {
  readonly addresses: readonly string[];
  /** What stands before a command line that is to run in it. */
  readonly prefix: readonly string[];
  remove(): Promise<void>;
}

/** `undefined` where this user may make none. */
export async function openNetworkNamespace(addressCount: number): Promise<NetworkNamespace | undefined> {
  const name = `holdfast-${process.pid}-${Date.now().toString(36)}`;
  const ip = (...args: readonly string[]) => run('ip', [...args]);
  try {
    await ip('netns', 'add', name);
  } catch {
    return undefined;
  }
  const addresses = Array.from({ length: addressCount }, (_, at) => `10.77.0.${at + 1}`);
  const remove = async () => {
    await ip('netns', 'delete', name);
  };
  try {
    await ip('-n', name, 'link', 'set', 'lo', 'up');
    await ip('-n', name, 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far');
    for (const address of addresses) await ip('-n', name, 'address', 'add', `${address}/24`, 'dev', 'near');
    for (const link of ['near', 'far']) await ip('-n', name, 'link', 'set', link, 'up');
  } catch {
    await remove();
    return undefined;
  }
  return { addresses, prefix: ['ip', 'netns', 'exec', name], remove };
}
