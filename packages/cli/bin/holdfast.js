#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Records pass as short-lived objects: a young generation that stays small keeps up, and keeps the process about 20 MiB smaller.
function keepYoungGenerationSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
}

keepYoungGenerationSmall();
// V8 sets it back, for all threads, as the heap of another one begins.
process.on('worker', (thread) => thread.once('online', keepYoungGenerationSmall));
// Large buffers that come and go start a marking again and again, of a heap that is small: four threads of it took up to a third
// of all processor time of a first copy (docs/benchmarks.md).
setFlagsFromString('--no-concurrent-marking');
await import('../bundle/main.js');
