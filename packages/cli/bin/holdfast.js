#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// Records pass as short-lived objects: a young generation that stays small keeps up, and keeps the process about 20 MiB smaller.
setFlagsFromString('--semi-space-growth-factor=1');
await import('../bundle/main.js');
