export { type ExitCode, exitCodes } from './exit-code.js';
export { type CliProcess, runCli } from './run-cli.js';
