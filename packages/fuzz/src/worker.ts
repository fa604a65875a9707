import { parentPort, workerData } from 'node:worker_threads';
import { runTask, type WorkerTask } from './workers.js';

await runTask(workerData as WorkerTask, (tally) => parentPort!.postMessage(tally));
