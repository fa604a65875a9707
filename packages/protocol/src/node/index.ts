export { createClientSocket, socketError } from './client-socket.js';
export { withinConnectLimits } from './connect-limits.js';
