export { createTrace, type Trace } from './trace.js';
