import { type FollowedVolume, followVolumes, unnameableReport, type VolumeSource } from '@holdfast/follower';
import { formatVolumeName } from '@holdfast/format';
import { openCluster } from '../cluster.js';
import { exitCodes } from '../exit-code.js';
import { explainError, formatExplanation } from '../explain-error.js';
import { durationMs, port } from '../flag-values.js';
import { showForecast } from '../forecast.js';
import { type HttpPages, serveHttpPages } from '../http-pages.js';
import { createFollowMetrics } from '../metrics.js';
import { describeReport, toReportLine, volumeLabel } from '../report-line.js';
import { readSecurity } from '../security.js';
import { openStatusBook, type StatusBook } from '../status-book.js';
import { statusHtml, statusJson } from '../status-page.js';
import { pruneAfterMs, selectionOf, syncContextOf, syncFlags } from '../sync-flags.js';
import { UsageError } from '../usage-error.js';
import { announceVanished } from '../vanished-line.js';
import { defineVerb, type VerbContext } from '../verb.js';
import { openWorkingDirectory } from '../working-directory.js';

export const follow = defineVerb({
  name: 'follow',
  summary: 'keeps a copy of every selected volume at its leader until it is ended',
  isEndless: true,
  positionals: [],
  flags: {
    ...syncFlags,
    interval: {
      kind: 'option',
      placeholder: 'TIME',
      help: 'how often the servers are asked for what has changed',
      parse: durationMs(100, 3_600_000),
      fallback: '1s',
    },
    'prove-every': {
      kind: 'option',
      placeholder: 'TIME',
      help: 'how often each volume is proved, its whole index included, though nothing seems to have changed',
      parse: durationMs(1000),
      fallback: '10m',
    },
    'metrics-port': {
      kind: 'option',
      placeholder: 'PORT',
      help: 'serve metrics for Prometheus at /metrics',
      parse: port,
    },
    'status-port': {
      kind: 'option',
      placeholder: 'PORT',
      help: 'serve a status page at / and the same as JSON at /status.json',
      parse: port,
    },
  },
  examples: ['holdfast follow --master 127.0.0.1:9333 --dir /backup --interval 1s --status-port 8080'],
  async run(flags, _positionals, context) {
    const { env, output, log, signal } = context;
    if (flags['prove-every'] < flags.interval) {
      throw new UsageError('--prove-every is shorter than --interval: take a longer one');
    }
    const cluster = openCluster({
      masters: flags.master,
      security: await readSecurity(flags),
      selection: selectionOf(flags),
      context,
    });
    const clusterId = await cluster.clusterId(signal);
    if (flags['dry-run'])
      return await showForecast({ flags, clusterId, listing: await cluster.list(signal) }, context);
    const directory = await openWorkingDirectory(context, {
      path: flags.dir,
      clusterId,
      takesOver: flags['take-over'],
    });
    const volumes = new Map<string, FollowedVolume>();
    const metrics = createFollowMetrics(env.clock);
    const pages: HttpPages[] = [];
    try {
      await using status = await openStatusBook(context, {
        directory: directory.path,
        verb: 'follow',
        proveEveryMs: flags['prove-every'],
      });
      await servePages(flags['metrics-port'], flags['status-port'], status);
      output.event(
        { event: 'following', dir: directory.path },
        `following into ${directory.path}; Ctrl-C ends it`,
      );
      await followVolumes({
        ...syncContextOf(flags, directory, context),
        onProgress: (progress) => log.debug({ progress }, 'progress'),
        source: tellingUnnameable(cluster, context),
        intervalMs: flags.interval,
        proveEveryMs: flags['prove-every'],
        pruneAfterMs: pruneAfterMs(flags),
        signal,
        async onVolume(followed) {
          volumes.set(formatVolumeName(followed.known.volume), followed);
          metrics.note(followed);
          announce(followed, context);
          status.noteFollowed(followed);
        },
        onLag(followed) {
          status.noteLag(followed);
          volumes.set(formatVolumeName(followed.known.volume), followed);
          metrics.note(followed);
        },
        async onVanished(vanished) {
          if (vanished.outcome === 'pruned') volumes.delete(formatVolumeName(vanished.volume));
          status.noteVanished(vanished);
          announceVanished(vanished, output);
        },
        onProblem: (error) => {
          const explanation = explainError(error);
          log.warn({ err: error, code: explanation.code }, formatExplanation(explanation));
        },
      });
    } finally {
      for (const page of pages) await page.close();
      await directory.release();
    }
    const reports = [...volumes.values()].map(({ report }) => report);
    output.summary(
      { ok: reports.every(({ ok }) => ok), volumes: reports.map(toReportLine) },
      `ended; ${reports.filter(({ ok }) => ok).length} of ${reports.length} volumes were proved equal last`,
    );
    return exitCodes.done;

    async function servePages(
      metricsPort: number | undefined,
      statusPort: number | undefined,
      status: StatusBook,
    ): Promise<void> {
      if (metricsPort !== undefined) {
        const served = await serveHttpPages('--metrics-port', metricsPort, { '/metrics': metrics });
        pages.push(served);
        output.event(
          { event: 'listening', metricsPort: served.port },
          `metrics at port ${served.port}/metrics`,
        );
      }
      if (statusPort !== undefined) {
        const served = await serveHttpPages('--status-port', statusPort, {
          '/': { contentType: 'text/html; charset=utf-8', render: () => statusHtml(status.document()) },
          '/status.json': { contentType: 'application/json', render: () => statusJson(status.document()) },
        });
        pages.push(served);
        output.event({ event: 'listening', statusPort: served.port }, `status page at port ${served.port}/`);
      }
    }
  },
});

/** Says what happened; a volume that is as it was is only logged. */
function announce({ report, lagBytes, hasVanished }: FollowedVolume, { output, log }: VerbContext): void {
  log.info({ report, lagBytes, hasVanished }, 'volume');
  if (hasVanished) return;
  if (report.outcome === 'idle' && report.ok) {
    output.event({ event: 'volume', ...toReportLine(report), lagBytes });
  } else {
    output.event({ event: 'volume', ...toReportLine(report), lagBytes }, describeReport(report));
  }
}

/** The same volumes; those that cannot be followed for their names are told once. */
function tellingUnnameable(source: VolumeSource, { output }: VerbContext): VolumeSource {
  const told = new Set<string>();
  return {
    selects: (volume) => source.selects(volume),
    async list(signal) {
      const listing = await source.list(signal);
      for (const report of (listing.unnameable ?? []).map(unnameableReport)) {
        const label = volumeLabel({ volumeId: report.id, collection: report.collection });
        if (told.has(label)) continue;
        told.add(label);
        output.event({ event: 'volume', ...toReportLine(report) }, describeReport(report));
      }
      return listing;
    },
  };
}
