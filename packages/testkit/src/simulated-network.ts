import { createMemoryNetwork, type MemoryFrame, type MemoryNetwork } from '@holdfast/protocol';
import { createLooseConnections } from './loose-connections.js';
import { createSeededRandom } from './seeded-random.js';
import type { SimulatedScheduler } from './simulated-scheduler.js';

/** What becomes of one message on its way. */
export type FrameFault =
  /** Its connection breaks under it. */
  | { readonly kind: 'drop' }
  /** It is so late. */
  | { readonly kind: 'stall'; readonly forMs: number }
  /** The call ends in its place, as if it were over. */
  | { readonly kind: 'truncate' }
  /** Some of its bytes are others. */
  | { readonly kind: 'flip'; readonly seed: number }
  /** What arrives is an earlier message of the same method. */
  | { readonly kind: 'stale' };

export interface SimulatedNetworkOptions {
  readonly scheduler: SimulatedScheduler;
  /** Before a message arrives: may wait, and may give what becomes of it. */
  readonly onFrame?: (frame: MemoryFrame) => FrameFault | undefined | Promise<FrameFault | undefined>;
  /** Before a connection is made: may wait; one that throws refuses it. */
  readonly onConnect?: (address: string) => void | Promise<void>;
  /** Whether connections outlive the server's process, as those through a proxy do. Default: false. */
  readonly isProxied?: boolean;
  /** The next call on such a connection went to another process. */
  readonly onRenewed?: () => void;
}

export interface SimulatedNetwork extends MemoryNetwork {
  /** Clients lose their connections; the servers are told nothing, and go on with every call on them. */
  abandonConnections(): void;
}

/** A network whose messages arrive in an order that the scheduler's seed chooses, late, altered or not at all. */
export function createSimulatedNetwork(options: SimulatedNetworkOptions): SimulatedNetwork {
  const { scheduler, onFrame, onConnect, isProxied = false, onRenewed = () => {} } = options;
  const { timers } = scheduler.time;
  const altering = new Map<MemoryFrame, FrameFault>();
  /** The last answer of each method. */
  const answers = new Map<string, Uint8Array>();

  const network = createMemoryNetwork({
    timers,
    async onConnect(address) {
      await onConnect?.(address);
      await scheduler.pass();
    },
    async onFrame(frame) {
      const fault = await onFrame?.(frame);
      await scheduler.pass();
      if (fault === undefined) return;
      if (fault.kind === 'drop') throw new Error('the connection is lost');
      if (fault.kind === 'stall') await timers.sleep(fault.forMs);
      else altering.set(frame, fault);
    },
    alter(frame, message) {
      const fault = altering.get(frame);
      altering.delete(frame);
      const isAnswer = frame.direction === 'response';
      const former = answers.get(frame.path);
      if (isAnswer) answers.set(frame.path, message);
      if (fault === undefined || !isAnswer) return message;
      if (fault.kind === 'truncate') return undefined;
      if (fault.kind === 'stale') return former ?? message;
      return fault.kind === 'flip' ? flipped(message, fault.seed) : message;
    },
  });
  const connections = createLooseConnections({ transport: network, isProxied, onRenewed });
  return { ...network, connect: connections.connect, abandonConnections: connections.abandon };
}

const FLIPPED_BYTES_MAX = 4;

function flipped(message: Uint8Array, seed: number): Uint8Array {
  const random = createSeededRandom(seed);
  const altered = message.slice();
  for (let count = 1 + Math.floor(random.nextFloat() * FLIPPED_BYTES_MAX); count > 0; count--) {
    const at = Math.floor(random.nextFloat() * altered.length);
    altered[at] = Math.floor(random.nextFloat() * 256);
  }
  return altered;
}
