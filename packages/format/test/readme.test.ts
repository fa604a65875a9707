import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import * as format from '../src/index.js';

const MODULES = { '@holdfast/format': format };

test('the example runs', async () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const body = example.replace(/^import (\{.*\}) from ('.*');$/gm, 'const $1 = modules[$2];');
  const lines: string[] = [];
  const run = new Function('modules', 'console', `return (async () => { ${body} })();`);
  await run(MODULES, { log: (...values: unknown[]) => lines.push(values.map(String).join(' ')) });
  expect(lines).toEqual(['8 64 hold fast']);
});
