import type { FuzzTarget } from '../fuzz-target.js';
import { framer } from './framer.js';
import { httpRequests } from './http-requests.js';
import { idx } from './idx.js';
import { holdfastAnswers, stockAnswers } from './leader-answers.js';
import { leaderRequests } from './leader-requests.js';
import { masterAnswers } from './master-answers.js';
import { messages } from './messages.js';
import { names } from './names.js';
import { needle } from './needle.js';
import { ownFiles } from './own-files.js';
import { poolFiles } from './pool-files.js';
import { runFiles } from './run-files.js';
import { securityFile } from './security-file.js';
import { serverFrames } from './server-frames.js';
import { serverPages } from './server-pages.js';
import { superBlock } from './super-block.js';
import { tokens } from './tokens.js';
import { volumeDirectory } from './volume-directory.js';
import { volumeInfo } from './volume-info.js';

export const fuzzTargets: readonly FuzzTarget[] = [
  superBlock,
  needle,
  framer,
  volumeInfo,
  names,
  idx,
  ownFiles,
  volumeDirectory,
  stockAnswers,
  holdfastAnswers,
  messages,
  leaderRequests,
  httpRequests,
  poolFiles,
  runFiles,
  masterAnswers,
  serverPages,
  serverFrames,
  securityFile,
  tokens,
];
