import type { FollowedVolume } from '@holdfast/follower';
import type { Clock } from '@holdfast/format';
import { Counter, Gauge, Registry } from 'prom-client';

/** What a monitor reads of a follower. */
export interface FollowMetrics {
  readonly contentType: string;
  note(followed: FollowedVolume): void;
  render(): Promise<string>;
}

export function createFollowMetrics(clock: Clock): FollowMetrics {
  const registry = new Registry();
  const labelNames = ['volume', 'collection'] as const;
  const shared = { labelNames, registers: [registry] };
  const gauge = (name: string, help: string) => new Gauge({ ...shared, name: `holdfast_${name}`, help });
  const datBytes = gauge('volume_dat_bytes', 'Committed length of the .dat');
  const lagBytes = gauge('volume_lag_bytes', 'Bytes that the last sweep saw beyond what is held');
  const ok = gauge('volume_ok', '1 if the last sync was done and proved');
  const lossGuard = gauge('volume_loss_guard', '1 if the loss guard holds a former state');
  const liveNeedles = gauge('volume_live_needles', 'Live needles');
  const received = new Counter({
    ...shared,
    name: 'holdfast_volume_received_bytes_total',
    help: 'Bytes read from the leader',
  });
  const syncs = new Counter({
    name: 'holdfast_syncs_total',
    help: 'Syncs by outcome',
    labelNames: ['outcome'] as const,
    registers: [registry],
  });
  const provedAtMs = new Map<
    string,
    { readonly labels: { volume: string; collection: string }; readonly atMs: number }
  >();
  new Gauge({
    ...shared,
    name: 'holdfast_volume_proof_age_seconds',
    help: 'Seconds since the last proof of equality began',
    collect() {
      for (const { labels, atMs } of provedAtMs.values()) this.set(labels, (clock.nowMs() - atMs) / 1000);
    },
  });

  return {
    contentType: registry.contentType,
    note({ report, provedAtMs: atMs, lagBytes: lag }) {
      const labels = { volume: `${report.id}`, collection: report.collection };
      datBytes.set(labels, report.datSize);
      lagBytes.set(labels, lag);
      ok.set(labels, report.ok ? 1 : 0);
      lossGuard.set(labels, report.lossGuard ? 1 : 0);
      liveNeedles.set(labels, report.liveNeedles);
      received.inc(labels, report.bytesReceived);
      syncs.inc({ outcome: report.outcome });
      if (atMs !== undefined) provedAtMs.set(`${report.collection}_${report.id}`, { labels, atMs });
    },
    render: () => registry.metrics(),
  };
}
