// Holds the pages to the code: error codes, links, code blocks, the README's commands. `--quick` runs nothing.
import { fileURLToPath } from 'node:url';
import { errorPageProblems } from './lib/docs-errors.mjs';
import { linkProblems, readPages, sectionProblems } from './lib/docs-pages.mjs';
import { runDemo, runTypeScriptBlocks, runWalkThrough } from './lib/docs-snippets.mjs';
import { readPackages } from './lib/workspace.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const packages = readPackages(root);
const pages = readPages(root, packages);

const problems = [
  ...errorPageProblems(root, packages),
  ...linkProblems(root, pages),
  ...sectionProblems(root, packages),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exit(1);
console.log(`docs: ${pages.length} pages, their links and error codes agree with the code`);

if (!process.argv.includes('--quick')) {
  const readme = pages.find(({ path }) => path === 'README.md');
  try {
    console.log(`docs: ${runTypeScriptBlocks(root, pages)} blocks ran`);
    runDemo(root, readme);
    await runWalkThrough(root, readme);
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
