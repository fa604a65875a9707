export type { ConnectProtocol, ConnectTransportOptions } from './connect-options.js';
export { createConnectTransport } from './connect-transport.js';
