import { BUILD_BUGS } from './bugs/build-bugs.js';
import { COMMIT_BUGS } from './bugs/commit-bugs.js';
import { DISK_BUGS } from './bugs/disk-bugs.js';
import { FOLLOW_BUGS } from './bugs/follow-bugs.js';
import { FORMAT_BUGS } from './bugs/format-bugs.js';
import { KEEPING_BUGS } from './bugs/keeping-bugs.js';
import { LEADER_BUGS } from './bugs/leader-bugs.js';
import { LOCK_BUGS } from './bugs/lock-bugs.js';
import { RECOVERY_BUGS } from './bugs/recovery-bugs.js';
import { RESTORE_BUGS } from './bugs/restore-bugs.js';
import { STORE_BUGS } from './bugs/store-bugs.js';
import { WIRE_BUGS } from './bugs/wire-bugs.js';
import type { PlantedBug } from './planted-bug.js';

/** Every mistake that the machinery is held to find. */
export const PLANTED_BUGS: readonly PlantedBug[] = [
  ...COMMIT_BUGS,
  ...RECOVERY_BUGS,
  ...FOLLOW_BUGS,
  ...BUILD_BUGS,
  ...RESTORE_BUGS,
  ...KEEPING_BUGS,
  ...STORE_BUGS,
  ...LEADER_BUGS,
  ...DISK_BUGS,
  ...WIRE_BUGS,
  ...LOCK_BUGS,
  ...FORMAT_BUGS,
];
