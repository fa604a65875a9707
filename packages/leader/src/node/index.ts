export { nodeHttpEnvironment } from './node-http-environment.js';
