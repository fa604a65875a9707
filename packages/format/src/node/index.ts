export { nativeCrc32c } from './native-crc32c.js';
export { systemClock } from './system-clock.js';
export { systemRandom } from './system-random.js';
export { systemTimers } from './system-timers.js';
