export { type Authority, createAuthority, type Identity } from './certificates.js';
export { memorySubject } from './memory-subject.js';
export { connectSubject, grpcSubject } from './socket-subjects.js';
export type { Direction, Front, Subject, SubjectKind, SubjectOptions } from './subject.js';
export { createTcpFront } from './tcp-front.js';
export { transportConformance } from './transport-conformance.js';
