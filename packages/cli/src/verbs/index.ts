import type { Verb } from '../verb.js';
import { backup } from './backup.js';
import { demo } from './demo.js';
import { fix } from './fix.js';
import { follow } from './follow.js';
import { inspect } from './inspect.js';
import { serve } from './serve.js';
import { status } from './status.js';
import { verify } from './verify.js';

/** In the order of the help. */
export const verbs: readonly Verb[] = [demo, backup, follow, verify, status, inspect, fix, serve];
