import { describe } from 'vitest';
import { callConformance } from './calls.js';
import { cutConformance } from './cuts.js';
import { endingConformance } from './endings.js';
import { flowConformance } from './flow.js';
import { expectNoSocketsLeft, silenceConformance } from './sockets.js';
import type { SubjectKind } from './subject.js';
import { tlsConformance } from './tls.js';

/** The contract of `RpcTransport` and `RpcServerTransport` as a suite. Called in a test file of its own. */
export function transportConformance(kind: SubjectKind): void {
  describe(kind.name, () => {
    if (kind.sockets) expectNoSocketsLeft();
    callConformance(kind);
    endingConformance(kind);
    flowConformance(kind);
    cutConformance(kind);
    if (kind.sockets) {
      silenceConformance(kind);
      tlsConformance(kind);
    }
  });
}
