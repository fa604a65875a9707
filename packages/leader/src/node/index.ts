export { importTokenKeys } from './import-token-keys.js';
export { nodeHttpEnvironment } from './node-http-environment.js';
