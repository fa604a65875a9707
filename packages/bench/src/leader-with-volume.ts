import { startWeedCluster, type WeedCluster, type WeedVolumeServer } from '@holdfast/interop';
import { fillVolumeFiles, type VolumeContent } from './write-volume-files.js';

export const VOLUME_ID = 1;

export interface LeaderWithVolume extends AsyncDisposable {
  readonly cluster: WeedCluster;
  readonly server: WeedVolumeServer;
}

/** A real cluster on loopback whose one volume, `VOLUME_ID`, holds the content. */
export async function startLeaderWithVolume(content: VolumeContent): Promise<LeaderWithVolume> {
  const cluster = await startWeedCluster();
  try {
    const server = cluster.servers[0]!;
    await server.allocate(VOLUME_ID);
    await server.stop();
    const base = `${server.dataDirectory}/${VOLUME_ID}`;
    await fillVolumeFiles(`${base}.dat`, `${base}.idx`, content);
    await server.start();
    await cluster.waitForVolume(VOLUME_ID);
    return { cluster, server, [Symbol.asyncDispose]: () => cluster.stop() };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
