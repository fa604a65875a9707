import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ServedPage, servePage } from '../src/serve-page.js';
import { type ServedVolume, serveVolume } from '../src/serve-volume.js';
import { findChromium } from './find-chromium.js';

const VOLUME_ID = 7;
const executablePath = findChromium();

let directory: string;
let page: ServedPage;
let served: ServedVolume;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-page-'));
  const outDir = join(directory, 'page');
  page = await servePage({ port: 0, outDir, conditions: ['@holdfast/source'] });
  const address = '127.0.0.1:0';
  served = await serveVolume({ directory, volumeId: VOLUME_ID, address, pageOrigin: page.origin });
});

afterAll(async () => {
  await served?.close();
  await page?.close();
  await rm(directory, { recursive: true, force: true });
});

it('the bundle has nothing of Node.js in it', async () => {
  const assets = join(directory, 'page/assets');
  const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js'));
  expect(scripts).not.toEqual([]);
  for (const name of scripts)
    expect(await readFile(join(assets, name), 'utf8')).not.toMatch(/node:|__vite-browser/);
});

describe.skipIf(executablePath === undefined)('in a browser', () => {
  let browser: Browser;
  const troubles: string[] = [];

  beforeAll(async () => {
    const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
    browser = await chromium.launch({ executablePath: executablePath!, args });
  });

  afterAll(async () => await browser?.close());

  async function open(volume = VOLUME_ID): Promise<Page> {
    const opened = await browser.newPage({ viewport: { width: 1200, height: 640 } });
    opened.on('pageerror', (error) => troubles.push(String(error)));
    await opened.goto(`${page.origin}/?leader=${served.url}&volume=${volume}`);
    return opened;
  }

  const put = (needleId: bigint, text: string) =>
    served.volume.write({
      content: { needleId, cookie: 0xcafe, name: `${needleId}.txt`, mime: 'text/plain' },
      data: new TextEncoder().encode(text),
    });

  /** Waits for so many rows; the newest comes first. */
  async function rows(shown: Page, count: number): Promise<string[][]> {
    await shown.waitForFunction((wanted) => document.querySelectorAll('#rows tr').length === wanted, count);
    return await shown.$$eval('#rows tr', (found) =>
      found.map((row) => [...row.children].map((cell) => cell.textContent ?? '')),
    );
  }

  it('shows what is there, what arrives, what is deleted, and begins anew after a compaction', async () => {
    await put(1n, 'was there before');
    await put(2n, 'to be deleted');
    const shown = await open();
    const [, first] = await rows(shown, 2);
    expect(first!.slice(0, 5)).toEqual(['put', '10000cafe', '1.txt', 'text/plain', '16 B']);
    expect(first!.at(-1)).toBe('was there before');

    await put(3n, 'arrives while the page looks on');
    await put(4n, '');
    await served.volume.delete(2n, { cookie: 0xcafe });
    const [deleted, empty, arrived] = await rows(shown, 5);
    expect(deleted!.slice(0, 2)).toEqual(['delete', '20000cafe']);
    expect(empty!.slice(0, 2)).toEqual(['put', '40000cafe']);
    expect(arrived!.at(-1)).toBe('arrives while the page looks on');
    expect(await shown.textContent('#needles')).toBe('3');
    expect(await shown.textContent('#state')).toBe('live');

    await served.volume.compact();
    await served.volume.commitCompaction();
    await shown.waitForFunction(() => document.getElementById('revision')?.textContent === '1');
    expect((await rows(shown, 3)).map(([, file]) => file)).toEqual(['40000cafe', '30000cafe', '10000cafe']);
    await put(5n, 'after the compaction');
    expect((await rows(shown, 4))[0]!.at(-1)).toBe('after the compaction');
    await shown.close();
    expect(troubles).toEqual([]);
  });

  it('says what is wrong where nothing can be followed', async () => {
    const shown = await open(99);
    await shown.waitForFunction(() => document.getElementById('message')?.textContent?.includes('99'));
    expect(await shown.textContent('#state')).toBe('waiting');
    await shown.close();
  });
});
