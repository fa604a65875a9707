import type { FollowedVolume } from '@holdfast/follower';
import type { Clock } from '@holdfast/format';
import { formatBytes, toJson } from './output.js';
import { toReportLine } from './report-line.js';

const STYLE =
  'body{font:15px system-ui,sans-serif;margin:2rem;color:#222}table{border-collapse:collapse}th,td{text-align:left;padding:.3rem .9rem;border-bottom:1px solid #ddd}.bad{color:#b00020}';

/** How every followed volume stands, as JSON. */
export function statusJson(volumes: readonly FollowedVolume[], clock: Clock): string {
  const nowMs = clock.nowMs();
  return toJson({
    ok: volumes.every(({ report }) => report.ok),
    volumes: volumes.map(({ report, provedAtMs, lagBytes, hasVanished }) => ({
      ...toReportLine(report),
      lagBytes,
      secondsSinceProof: provedAtMs === undefined ? null : (nowMs - provedAtMs) / 1000,
      hasVanished,
    })),
  });
}

/** The same as a page that looks again every five seconds. */
export function statusHtml(volumes: readonly FollowedVolume[], clock: Clock): string {
  const nowMs = clock.nowMs();
  const rows = volumes.map(({ report, provedAtMs, lagBytes, hasVanished }) => {
    const age = provedAtMs === undefined ? 'never' : `${((nowMs - provedAtMs) / 1000).toFixed(1)} s ago`;
    const state = hasVanished ? 'vanished from the cluster' : (report.error ?? report.outcome);
    const cells = [
      `${report.id}`,
      report.collection,
      state,
      `${report.revision}`,
      formatBytes(report.datSize),
      formatBytes(lagBytes),
      age,
    ];
    const isBad = !report.ok || hasVanished || report.lossGuard;
    return `<tr${isBad ? ' class="bad"' : ''}>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
  });
  const head = ['volume', 'collection', 'last run', 'revision', 'held', 'lag', 'proved'];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Holdfast</title><style>${STYLE}</style></head><body><h1>Holdfast</h1><table><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr>${rows.join('')}</table></body></html>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
