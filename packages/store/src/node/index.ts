export { createNodeDisk } from './node-disk.js';
export { createNodeSha256, nodeSha256, nodeStoreEnvironment } from './node-environment.js';
export { nodeHost } from './node-host.js';
