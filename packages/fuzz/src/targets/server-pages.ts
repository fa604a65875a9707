import type { HttpFetch } from '@holdfast/protocol';
import { createMemoryNetwork } from '@holdfast/protocol';
import { createMasterClient, createSeaweedLeader } from '@holdfast/seaweedfs';
import { createSimulatedScheduler } from '@holdfast/testkit';
import { changeJson } from '../change-json.js';
import { expectThat, type FuzzTarget } from '../fuzz-target.js';
import { joined } from '../mutate.js';

const VOLUME =
  '{"Id":7,"Size":1000,"ReplicaPlacement":{"node":0},"Collection":"pictures","Version":3,"FileCount":5,"DeleteCount":1,"ModifiedAtSecond":1700000000,"CompactRevision":2}';
const STATUS_PAGES = [
  `{"DiskStatuses":[{"dir":"/d","all":100,"used":5}],"Version":"8000GB 4.48","Volumes":[${VOLUME},${VOLUME.replace('7', '8')}]}`,
  '{"Version":"30GB 3.80","Volumes":null}',
  '{"Volumes":[]}',
];
const MASTER_PAGES = [
  '{"Topology":{"Max":8,"Free":3,"DataCenters":[]},"TopologyId":"0f8b","Version":"4.48"}',
  '{"Version":"3.80"}',
];
const STATUSES = [200, 200, 200, 200, 401, 404, 500];

/** The pages of `/status` and `/dir/status`: what they say, in whole numbers and texts, or a typed error. */
export const serverPages: FuzzTarget = {
  name: 'server-pages',
  share: 60,
  prepare() {
    const { clock, timers } = createSimulatedScheduler().time;
    const transport = createMemoryNetwork({ timers });
    const { signal } = new AbortController();
    const others = { transport, timers, clock };
    return {
      make(dice) {
        const isMaster = dice.once(3);
        const page = changeJson(dice, isMaster ? MASTER_PAGES : STATUS_PAGES);
        return joined(Uint8Array.of(isMaster ? 1 : 0, dice.below(STATUSES.length)), page);
      },
      async run(input) {
        const status = STATUSES[(input[1] ?? 0) % STATUSES.length]!;
        const text = new TextDecoder().decode(input.subarray(2));
        const fetch: HttpFetch = async () => ({ status, text: async () => text });
        if ((input[0] ?? 0) % 2 === 1) {
          const id = await createMasterClient({ ...others, fetch, addresses: ['m:9333'] }).clusterId(signal);
          expectThat(id === undefined || (typeof id === 'string' && id !== ''), `a cluster ${String(id)}`);
          return;
        }
        const addresses = { grpcAddress: 's:18080', httpAddress: 's:8080' };
        const leader = createSeaweedLeader({ ...others, fetch, ...addresses });
        const seen = await leader.sweep(signal);
        for (const { collection, ...numbers } of seen) {
          expectThat(typeof collection === 'string', `a collection ${String(collection)}`);
          for (const [name, value] of Object.entries(numbers))
            expectThat(Number.isSafeInteger(value) && value >= 0, `${name} is ${value}`);
        }
        expectThat((await leader.sweep(signal)) === seen, 'the same page is read as another');
      },
    };
  },
};
