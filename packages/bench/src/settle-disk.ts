import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What an earlier round left for the disk to do is not the next one's. */
export async function settleDisk(): Promise<void> {
  await promisify(execFile)('sync');
}
