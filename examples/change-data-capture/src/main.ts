import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { NeedleChange } from '@holdfast/follower';
import { changeFeed } from './change-feed.js';
import { openJournal } from './journal.js';

const { values } = parseArgs({
  options: {
    server: { type: 'string', default: '127.0.0.1:8080' },
    volume: { type: 'string', default: '1' },
    dir: { type: 'string', default: 'copy' },
    out: { type: 'string', default: 'changes.jsonl' },
  },
});

const ended = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => ended.abort());

const journal = await openJournal(values.out);
try {
  const changes = changeFeed({
    server: values.server,
    volumeId: Number(values.volume),
    directory: values.dir,
    since: journal.cursor,
    signal: ended.signal,
    onProblem: (error) => console.error(String(error)),
  });
  for await (const change of changes) await journal.append(await lineOf(change));
} catch (error) {
  if (!ended.signal.aborted) throw error;
} finally {
  await journal.close();
}

/** What one change comes to. Here the content is only hashed: an indexer or a mirror would read it just so. */
async function lineOf(change: NeedleChange) {
  const { kind, cursor } = change;
  const id = change.needleId.toString(16);
  if (change.kind === 'delete') return { kind, id, cookie: change.cookie, cursor };
  if (change.kind === 'damaged') return { kind, id, reason: change.reason, cursor };
  const { needle } = change;
  const hash = createHash('sha256');
  for await (const piece of needle.data()) hash.update(piece);
  return {
    kind,
    id,
    cookie: needle.cookie,
    name: textOf(needle.name),
    mime: textOf(needle.mime),
    sizeBytes: needle.dataSizeBytes,
    sha256: hash.digest('hex'),
    cursor,
  };
}

function textOf(field: Uint8Array | undefined): string | undefined {
  return field && Buffer.from(field).toString('utf8');
}
