export { type CorpusEntry, readCorpus } from './corpus.js';
export { describeFailure, type Failure, shrunkFailure } from './run/failure.js';
export { addFigures, type Figures } from './run/figures.js';
export { runSchedule, type ScheduleResult } from './run/run-schedule.js';
export { generateSchedule } from './schedule/generate.js';
export type { Mode, Operation, Schedule, World } from './schedule/schedule.js';
export { createTrace, type Trace } from './trace.js';
