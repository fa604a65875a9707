export type { GrpcTransportOptions } from './grpc-options.js';
export { createGrpcTransport } from './grpc-transport.js';
