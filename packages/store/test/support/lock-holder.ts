import { lockDirectory } from '../../src/directory-lock.js';
import { isStoreError } from '../../src/errors.js';
import { nodeStoreEnvironment } from '../../src/node/index.js';

/** Locks the directory given, says so, and holds on until its standard input ends. */
const directory = process.argv[2]!;
try {
  const lock = await lockDirectory(nodeStoreEnvironment(), directory);
  process.stdout.write('locked\n');
  process.stdin.resume();
  process.stdin.once('end', () => void lock.release());
} catch (error) {
  process.stdout.write(`${isStoreError(error) ? error.code : String(error)}\n`);
}
