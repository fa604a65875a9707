import { execFileSync } from 'node:child_process';
import { compareLives } from './compare/compare-lives.js';
import { comparedLives } from './compare/compared-lives.js';
import { weedBinary } from './weed-binary.js';

// The lives of the table through the real `weed backup` and through `holdfast backup`, as one JSON object on standard
// output; how far it is goes to standard error. Arguments: names of lives, or parts of them; default all.
const wanted = process.argv.slice(2);
const lives = comparedLives.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);
if (lives.length === 0) {
  console.error(`no life is called so; there are: ${comparedLives.map(({ name }) => name).join('; ')}`);
  process.exit(2);
}

const version = execFileSync(await weedBinary(), ['version'], {
  encoding: 'utf8',
  stdio: ['ignore', 'pipe', 'ignore'],
}).trim();
const results = await compareLives(lives, ({ life, weedBackup, holdfastBackup }) => {
  const quietly = weedBackup.saidSuccessWrongly ? ', and said success' : '';
  console.error(
    `${life}: weed backup ${weedBackup.found.join(', ')}${quietly}; holdfast backup ${holdfastBackup.found.join(', ')}`,
  );
});
console.log(JSON.stringify({ weed: version, lives: results }, null, 2));
const isAlwaysEqual = results.every(({ holdfastBackup }) => holdfastBackup.found.join() === 'equal');
process.exitCode = isAlwaysEqual ? 0 : 1;
