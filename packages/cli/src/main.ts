import { exitCodes } from './exit-code.js';
import { Interruption } from './interruption.js';
import type { LineSink } from './output.js';
import { OutputError } from './output-error.js';

const ending = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, () => ending.abort(new Interruption(name)));
}
// A run goes on without a reader: what it does is worth more than what it says. One that goes away (`| head`) has read
// enough; a disk that took nothing more has lost something, and then the run does not end as done.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.once('exit', () => endWithLostOutput(new OutputError(error)));
});
process.stderr.on('error', () => {});

function endWithLostOutput({ message }: OutputError): void {
  if (process.exitCode !== exitCodes.done) return;
  process.exitCode = exitCodes.localDisk;
  process.stderr.write(`holdfast: ${message}\n`);
}

function sinkOf(stream: NodeJS.WriteStream): LineSink {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}

// What it has to say comes as an error, in one line of ours.
process.env.GRPC_VERBOSITY ??= 'NONE';
// Loaded last: a signal that comes while the rest loads is heard.
const { runCli } = await import('./run-cli.js');
process.exitCode = await runCli({
  args: process.argv.slice(2),
  variables: process.env,
  stdout: sinkOf(process.stdout),
  stderr: sinkOf(process.stderr),
  signal: ending.signal,
});
