import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLeader, type Leader, openNeedleStore, type StoredVolume } from '@holdfast/leader';
import { createFollowService } from '@holdfast/protocol';
import { createGrpcTransport } from '@holdfast/transport-grpc';
import { type FollowerChild, startFollower } from '../demo/follower-child.js';
import { exitCodes } from '../exit-code.js';
import { formatBytes } from '../output.js';
import { defineVerb, type VerbContext } from '../verb.js';

const VOLUME = { volumeId: 1, collection: '' };
const NEEDLES = 400;
const COOKIE = 0x0badcafe;
/** The whole show; without the watchdog a follower that does not come would keep it for ever. */
const WATCHDOG_MS = 18_000;

export const demo = defineVerb({
  name: 'demo',
  summary: 'shows a follower at work: no other server is needed, it ends by itself',
  positionals: [],
  flags: {},
  examples: ['holdfast demo'],
  async run(_flags, _positionals, context) {
    const { env, timers, output, signal } = context;
    const root = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
    const watchdog = new AbortController();
    const limit = AbortSignal.any([signal, watchdog.signal, AbortSignal.timeout(WATCHDOG_MS)]);
    const leaderDirectory = join(root, 'leader');
    await mkdir(leaderDirectory);
    const store = await openNeedleStore({ env, timers, directory: leaderDirectory });
    const leader = createLeader({ env, timers, store, serverId: 'demo' });
    const service = createFollowService(leader, { crc32c: env.crc32c, timers });
    const listener = await createGrpcTransport().serve('127.0.0.1:0', [service]);
    try {
      const volume = await store.allocate(VOLUME);
      const show: Show = { root, leader, volume, address: listener.address, context, limit };
      const sha256 = await play(show);
      output.summary(
        { ok: true, sha256 },
        [
          '',
          'Equal in every byte, through appends, overwrites, deletes, a compaction and a killed follower.',
          'Next, a backup of your own SeaweedFS:',
          '  holdfast backup --master 127.0.0.1:9333 --dir ./backup',
          '  holdfast follow --master 127.0.0.1:9333 --dir ./backup --status-port 8080',
          '  holdfast verify --dir ./backup --master 127.0.0.1:9333',
        ].join('\n'),
      );
      return exitCodes.done;
    } finally {
      watchdog.abort();
      await listener.close();
      await leader.close();
      await store.close();
      await rm(root, { recursive: true, force: true });
    }
  },
});

interface Show {
  readonly root: string;
  readonly leader: Leader;
  readonly volume: StoredVolume;
  readonly address: string;
  readonly context: VerbContext;
  readonly limit: AbortSignal;
}

/** Every act, with the proof after each. Gives the SHA-256 that both sides have in the end. */
async function play(show: Show): Promise<string> {
  const { root, volume, address, context } = show;
  const directory = join(root, 'follower');
  await mkdir(directory);
  const start = () =>
    startFollower(address, directory, ({ error }) => error !== null && context.log.warn({ error }));
  say(context, `A leader of Holdfast's own serves volume 1 at ${address}.`);
  let follower = start();
  try {
    say(context, `A follower runs in process ${follower.pid}, its copy in a directory of its own.`);
    await act(show, follower, `${NEEDLES} needles written`, () => putAll(volume, 0, NEEDLES, 'first'));
    await act(show, follower, '150 overwritten, 100 deleted', async () => {
      await putAll(volume, 0, 150, 'second');
      await deleteAll(volume, 150, 250);
    });
    await act(show, follower, 'compacted on the leader', () => compact(volume));
    const killed = follower.pid;
    await follower.kill();
    await putAll(volume, NEEDLES, NEEDLES + 200, 'third');
    await compact(volume);
    await putAll(volume, 0, 50, 'fourth');
    follower = start();
    const what = `follower ${killed} killed (SIGKILL); meanwhile 250 written, one more compaction; restarted as ${follower.pid}`;
    return await act(show, follower, what, async () => undefined);
  } finally {
    await follower.end();
  }
}

/** Does something on the leader, waits for the follower, and proves that both have the same bytes. */
async function act(
  { root, leader, context, limit }: Show,
  follower: FollowerChild,
  what: string,
  change: () => Promise<void>,
): Promise<string> {
  const { output, env } = context;
  await change();
  const changedAtMs = env.clock.monotonicMs();
  const volume = await leader.volume(VOLUME.volumeId, VOLUME.collection);
  const { revision, datSizeBytes } = await volume.status(limit);
  const { outcome } = await follower.reached(revision, datSizeBytes, limit);
  const lagMs = Math.round(env.clock.monotonicMs() - changedAtMs);
  const [ours, theirs] = await Promise.all(['follower', 'leader'].map((side) => digest(join(root, side))));
  if (ours !== theirs) throw new Error(`the copy differs from the leader after: ${what}`);
  output.event(
    { event: 'act', what, outcome, revision, datSize: datSizeBytes, lagMs, sha256: ours },
    `  ${what}\n    ${outcome} ${lagMs} ms later: revision ${revision}, ${formatBytes(datSizeBytes)}, sha256 of both ${ours!.slice(0, 16)}…`,
  );
  return ours!;
}

/** Of `.dat` and `.idx`, one after the other. */
async function digest(directory: string): Promise<string> {
  const hash = createHash('sha256');
  for (const extension of ['dat', 'idx']) {
    for await (const chunk of createReadStream(join(directory, `${VOLUME.volumeId}.${extension}`)))
      hash.update(chunk);
  }
  return hash.digest('hex');
}

async function putAll(volume: StoredVolume, from: number, to: number, word: string): Promise<void> {
  const puts: Promise<unknown>[] = [];
  for (let i = from; i < to; i++) {
    const data = new TextEncoder().encode(`${word} content of file ${i}\n`.repeat(200 + (i % 300)));
    const content = { needleId: BigInt(i + 1), cookie: COOKIE, name: `file-${i}.txt`, mime: 'text/plain' };
    puts.push(volume.write({ content, data }));
  }
  await Promise.all(puts);
}

async function deleteAll(volume: StoredVolume, from: number, to: number): Promise<void> {
  const deletes: Promise<unknown>[] = [];
  for (let i = from; i < to; i++) deletes.push(volume.delete(BigInt(i + 1), { cookie: COOKIE }));
  await Promise.all(deletes);
}

async function compact(volume: StoredVolume): Promise<void> {
  await volume.compact();
  await volume.commitCompaction();
}

function say({ output }: VerbContext, text: string): void {
  output.event({ event: 'said', text }, text);
}
