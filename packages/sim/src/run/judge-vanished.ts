import type { VanishedVolume, VolumeListing } from '@holdfast/follower';
import { Violation } from '../oracles/violation.js';
import { homeOf, nameOf, type SimulatedWorld } from '../world/simulated-world.js';
import { count } from './figures.js';

/** What a follower was told of the cluster: from when on a volume counts as gone. */
export function noteListing(world: SimulatedWorld, listing: VolumeListing): VolumeListing {
  const { absences, schedule } = world;
  for (const volumeId of schedule.world.volumeIds) {
    const server = homeOf(world, volumeId).currentServer();
    absences.note(nameOf(world, volumeId), {
      isListed: listing.volumes.some(({ volume }) => volume.volumeId === volumeId),
      isServerListed: server !== undefined && listing.servers.has(server),
    });
  }
  return listing;
}

/** A volume that is gone is kept until its time is over, and longer if something of it is held; then nothing is left of it. */
export function judgeVanished(world: SimulatedWorld, { volume, outcome }: VanishedVolume): void {
  const { figures, trace, absences, retention } = world;
  const { volumeId } = volume;
  const name = nameOf(world, volumeId);
  count(figures, `vanished: ${outcome}`);
  trace.note(`volume ${volumeId} has vanished: ${outcome}`);
  absences.noteTold(name);
  if (outcome === 'kept') return;
  if (!absences.isOver(name) && !retention.hasLeft(name))
    throw new Violation('retention', `${name} to be kept`, outcome);
  const home = homeOf(world, volumeId);
  const left = home.files();
  const isWaitedFor =
    home.generations().some(({ isHeld }) => isHeld) || left.some((path) => path.includes('/strays/'));
  if (outcome === 'held') {
    if (!isWaitedFor) throw new Violation('honest', `something of ${name} that is held`, 'nothing');
    return;
  }
  if (left.length > 0) throw new Violation('retention', `nothing left of ${name}`, left.join(', '));
}
