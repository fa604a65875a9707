import { readFileSync } from 'node:fs';
import * as format from '@holdfast/format';
import { expect, test } from 'vitest';
import * as index from '../src/index.js';

const MODULES = { '@holdfast/format': format, '@holdfast/index': index };

test('the example runs', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const body = example.replace(/^import (\{.*\}) from ('.*');$/gm, 'const $1 = modules[$2];');
  const lines: string[] = [];
  const run = new Function('modules', 'console', `return (async () => { ${body} })();`);
  await run(MODULES, { log: (...values: unknown[]) => lines.push(values.map(String).join(' ')) });
  expect(lines).toEqual(['1 1', 'gap 0 8', 'record 8 64']);
});
