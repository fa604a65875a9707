import { waitUntil } from './wait-until.js';
import type { WeedCluster } from './weed-cluster.js';

/** A file that a real master gave a place. */
export interface AssignedFile {
  readonly fid: string;
  /** `host:port` of the server that it is to be sent to. */
  readonly httpAddress: string;
  /** `http://host:port/fid`. */
  readonly url: string;
  /** To write it with, where the cluster has tokens; else `""`. */
  readonly token: string;
}

/** Where the master of a cluster places a new file, once it has made volumes for such. Query as of `/dir/assign`. */
export function assignFile(
  cluster: Pick<WeedCluster, 'masterHttpAddress'>,
  query: Readonly<Record<string, string>> = {},
): Promise<AssignedFile> {
  const page = `http://${cluster.masterHttpAddress}/dir/assign?${new URLSearchParams(query)}`;
  return waitUntil('a place is assigned', async () => {
    const response = await fetch(page);
    const answer = (await response.json()) as {
      readonly fid?: string;
      readonly url?: string;
      readonly error?: string;
    };
    if (answer.fid === undefined) throw new Error(answer.error);
    const token = (response.headers.get('authorization') ?? '').replace(/^bearer /i, '');
    return { fid: answer.fid, httpAddress: answer.url!, url: `http://${answer.url}/${answer.fid}`, token };
  });
}
