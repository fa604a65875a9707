export { createNodeDisk } from './node-disk.js';
export { nodeStoreEnvironment } from './node-environment.js';
export { nodeHost } from './node-host.js';
export { createNodeSha256, nodeSha256 } from './sha256.js';
