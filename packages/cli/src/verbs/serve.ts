import { setFlagsFromString } from 'node:v8';
import { assertServable, openDoors } from '../serve/open-doors.js';
import { serveFiles } from '../serve/serve-files.js';
import { serveFlags } from '../serve/serve-flags.js';
import { readServeSecurity } from '../serve/serve-security.js';
import { serveStore } from '../serve/serve-store.js';
import { defineVerb } from '../verb.js';

export const serve = defineVerb({
  name: 'serve',
  summary: "serves a directory of volumes as Holdfast's own volume server, in a cluster or alone",
  isEndless: true,
  positionals: [],
  flags: serveFlags,
  examples: [
    'holdfast serve --dir /data --ip 10.0.0.7 --master 10.0.0.1:9333',
    'holdfast serve --dir /data --read-only --grpc-port 18080',
  ],
  async run(flags, _positionals, context) {
    assertServable(flags);
    // Many requests at once live longer than records that pass (bin/holdfast.js): here the young generation may grow.
    setFlagsFromString('--semi-space-growth-factor=2');
    const security = await readServeSecurity(flags, context);
    const doors = openDoors(flags, security);
    if (doors.length > 0)
      context.log.warn(
        { doors },
        `anybody who reaches this server can change its volumes by ${doors.join(' and ')}`,
      );
    return flags['read-only']
      ? await serveFiles(flags, security, context)
      : await serveStore(flags, security, context);
  },
});
