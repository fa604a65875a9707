import { exitCodes } from './exit-code.js';
import type { LineSink } from './output.js';

const ending = new AbortController();
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(name, () => ending.abort(new Error(`ended by ${name}`)));
}
// A reader that goes away (`| head`) ends the run; there is nobody left to tell. A verb whose result it reads says so.
process.stdout.on('error', () => process.exit(process.exitCode ?? exitCodes.done));

function sinkOf(stream: NodeJS.WriteStream): LineSink {
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.columns ?? 80;
    },
  };
}

// Loaded last: a signal that comes while the rest loads is heard.
const { runCli } = await import('./run-cli.js');
process.exitCode = await runCli({
  args: process.argv.slice(2),
  variables: process.env,
  stdout: sinkOf(process.stdout),
  stderr: sinkOf(process.stderr),
  signal: ending.signal,
});
