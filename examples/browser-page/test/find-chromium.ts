import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** `HOLDFAST_CHROMIUM`, else a Chromium in the path; says what is missing where there is none. */
export function findChromium(): string | undefined {
  const given = process.env.HOLDFAST_CHROMIUM;
  if (given !== undefined && given !== '') return given;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
  if (found === undefined)
    console.warn(
      'no Chromium here, so the page is not tested: apt-get install chromium, or set HOLDFAST_CHROMIUM',
    );
  return found;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
