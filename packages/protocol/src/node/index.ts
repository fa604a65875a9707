export { createClientSocket, socketError } from './client-socket.js';
