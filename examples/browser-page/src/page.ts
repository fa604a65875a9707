import { type FramedRecord, parseNeedle, type Version } from '@holdfast/format';
import { type VolumeNews, volumeRecords } from './volume-records.js';

const ROWS_MAX = 200;
const RETRY_MS = 1000;
const PREVIEW_BYTES = 120;

const query = new URLSearchParams(location.search);
const leaderUrl = query.get('leader') ?? 'http://127.0.0.1:18090';
const volumeId = Number(query.get('volume') ?? '1');

const element = (id: string) => document.getElementById(id)!;
const rows = element('rows');
let version: Version = 3;
let recordCount = 0;
const liveNeedles = new Set<bigint>();

element('title').textContent = `Volume ${volumeId}`;
element('leader').textContent = leaderUrl;
void follow();

/** For ever: what ends it, a compaction for one, begins it anew. */
async function follow(): Promise<void> {
  for (;;) {
    const ended = new AbortController();
    try {
      for await (const news of volumeRecords({ leaderUrl, volumeId, signal: ended.signal })) show(news);
      say('waiting', 'The leader has ended the stream.');
    } catch (error) {
      say('waiting', error instanceof Error ? error.message : String(error));
    } finally {
      ended.abort();
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function show(news: VolumeNews): void {
  if (news.kind === 'generation') begin(news.revision, news.version);
  else if (news.kind === 'record') addRow(news.record, news.isDeletion);
  else element('tail').textContent = formatBytes(news.datSizeBytes);
}

function begin(revision: number, runsAs: Version): void {
  version = runsAs;
  recordCount = 0;
  liveNeedles.clear();
  rows.replaceChildren();
  element('revision').textContent = String(revision);
  showCounts();
  say('live', 'Each record is durable on the leader, and its checksum was verified in this page.');
}

function addRow(record: FramedRecord, isDeletion: boolean): void {
  const { needleId, cookie } = record.header;
  recordCount += 1;
  if (isDeletion) liveNeedles.delete(needleId);
  else liveNeedles.add(needleId);
  showCounts();

  const kind = isDeletion ? 'delete' : record.isCrcValid ? 'put' : 'damaged';
  const row = document.createElement('tr');
  row.className = kind;
  const [name, type, preview] = isDeletion ? ['', '', ''] : describe(record);
  const file = `${needleId.toString(16)}${cookie.toString(16).padStart(8, '0')}`;
  const size = isDeletion ? '' : formatBytes(record.dataSizeBytes);
  for (const text of [kind, file, name, type, size, formatStamp(record.appendAtNs), preview]) {
    row.append(Object.assign(document.createElement('td'), { textContent: text }));
  }
  rows.prepend(row);
  if (rows.childElementCount > ROWS_MAX) rows.lastElementChild?.remove();
}

/** Name, type, and how the content begins if it is text. */
function describe({ bytes }: FramedRecord): [name: string, type: string, preview: string] {
  const { name, mime, data, isCompressed } = parseNeedle(bytes!, version, { onBadCrc: 'report' });
  const decode = (field: Uint8Array | undefined) => new TextDecoder().decode(field);
  const isText = !isCompressed && /^text\/|json/.test(decode(mime));
  return [decode(name), decode(mime), isText ? decode(data.subarray(0, PREVIEW_BYTES)) : ''];
}

function showCounts(): void {
  element('records').textContent = recordCount.toLocaleString('en');
  element('needles').textContent = liveNeedles.size.toLocaleString('en');
}

function say(state: 'live' | 'waiting', text: string): void {
  const shown = element('state');
  shown.className = state;
  shown.textContent = state;
  element('message').textContent = text;
}

function formatStamp(appendAtNs: bigint): string {
  return appendAtNs === 0n ? '' : new Date(Number(appendAtNs / 1_000_000n)).toLocaleTimeString('en-GB');
}

function formatBytes(sizeBytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [sizeBytes, 0];
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
