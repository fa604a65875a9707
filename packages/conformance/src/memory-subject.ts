import { createMemoryNetwork, type MemoryNetwork } from '@holdfast/protocol';
import { realTimers } from './real-timers.js';
import type { Direction, Front, SubjectKind } from './subject.js';

/** The in-memory transport, its hooks standing for the relay that sockets have. */
export const memorySubject: SubjectKind = {
  name: 'memory',
  sockets: false,
  create({ limits }) {
    const carried: Record<Direction, number> = { up: 0, down: 0 };
    const cuts: Record<Direction, number> = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
    let connections = 0;
    const network: MemoryNetwork = createMemoryNetwork({
      timers: realTimers,
      ...(limits !== undefined && { limits }),
      onConnect: () => {
        connections += 1;
      },
      onFrame: ({ direction, sizeBytes }) => {
        const way = direction === 'request' ? 'up' : 'down';
        if (carried[way] + sizeBytes > cuts[way]) throw new Error('cut');
        carried[way] += sizeBytes;
      },
    });
    return {
      transport: network,
      async front(address): Promise<Front> {
        return {
          address,
          carriedBytes: (direction) => carried[direction],
          cutAfter(direction, bytes) {
            cuts[direction] = bytes;
          },
          drop: () => network.dropConnections(address),
          connectionCount: () => connections,
          close: async () => undefined,
        };
      },
    };
  },
};
