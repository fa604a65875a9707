import { formatBytes, toJson } from './output.js';
import type { StatusDocument } from './status-file.js';
import { proofAgeSeconds } from './volume-status.js';

const STYLE =
  'body{font:15px system-ui,sans-serif;margin:2rem;color:#222}table{border-collapse:collapse}th,td{text-align:left;padding:.3rem .9rem;border-bottom:1px solid #ddd}.bad{color:#b00020}';

/** The document as it stands, with the seconds since each proof; `writtenAt` is now. */
export function statusJson({ volumes, ...head }: StatusDocument): string {
  const nowMs = Date.parse(head.writtenAt);
  const shown = Object.values(volumes);
  return toJson({
    ok: shown.every(({ ok }) => ok),
    ...head,
    volumes: shown.map((volume) => ({ ...volume, secondsSinceProof: proofAgeSeconds(volume, nowMs) })),
  });
}

/** The same as a page that looks again every five seconds. */
export function statusHtml({ volumes, writtenAt }: StatusDocument): string {
  const nowMs = Date.parse(writtenAt);
  const rows = Object.values(volumes).map((volume) => {
    const ageSeconds = proofAgeSeconds(volume, nowMs);
    const { lastVerification: verified } = volume;
    const held = volume.generations.filter(({ heldFor }) => heldFor !== null).length;
    const cells = [
      `${volume.id}`,
      volume.collection,
      volume.hasVanished ? 'vanished from the cluster' : (volume.error ?? volume.outcome),
      `${volume.revision}`,
      formatBytes(volume.datSize),
      formatBytes(volume.lagBytes),
      ageSeconds === null ? 'never' : `${ageSeconds.toFixed(1)} s ago`,
      verified === null
        ? 'never'
        : `${verified.at.slice(0, 10)}: ${verified.ok ? 'no damage' : `${verified.findings} findings`}`,
      `${volume.generations.length}${held === 0 ? '' : `, ${held} held`}`,
    ];
    const isBad = !volume.ok || volume.hasVanished || volume.lossGuard;
    return `<tr${isBad ? ' class="bad"' : ''}>${cells.map((cell) => `<td>${escapeHtml(cell)}</td>`).join('')}</tr>`;
  });
  const head = [
    'volume',
    'collection',
    'last run',
    'revision',
    'size',
    'lag',
    'proved',
    'verified',
    'generations',
  ];
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Holdfast</title><style>${STYLE}</style></head><body><h1>Holdfast</h1><table><tr>${head.map((cell) => `<th>${cell}</th>`).join('')}</tr>${rows.join('')}</table></body></html>`;
}

function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
