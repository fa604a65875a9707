// The Markdown pages of the repository: which there are, their links, their code blocks.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Paths of the pages at the root, in docs/ and of each package, relative to the root. */
export function readPages(root, packages) {
  const pagesIn = (folder) =>
    existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => name.endsWith('.md'))
          .map((name) => relative(root, join(folder, name)))
      : [];
  return [root, join(root, 'docs'), ...packages.map(({ folder }) => folder)]
    .flatMap(pagesIn)
    .filter((path) => !path.endsWith('CHANGELOG.md'))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
}

/** Links to files that do not exist and to headings that a page does not have. */
export function linkProblems(root, pages) {
  const problems = [];
  for (const { path, text } of pages) {
    const prose = text.replaceAll(/^```.*?^```/gms, '');
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file, heading] = target.split('#');
      const full = file === '' ? join(root, path) : join(root, dirname(path), file);
      if (!existsSync(full)) problems.push(`${path}: links to ${target}, which does not exist`);
      else if (heading && !anchorsOf(readFileSync(full, 'utf8')).has(heading)) {
        problems.push(`${path}: links to ${target}, which has no such heading`);
      }
    }
  }
  return problems;
}

function anchorsOf(text) {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(/\s/g, '-'),
    ),
  );
}

/** The fenced blocks of a page: `{language, mark, text, line}`; of the info string, `mark` is what follows the language. */
export function codeBlocks(page) {
  return [...page.text.matchAll(/^```(\w+)(?: +([^\n]+))?\n(.*?)^```$/gms)].map((match) => ({
    language: match[1],
    mark: match[2] ?? '',
    text: match[3],
    line: page.text.slice(0, match.index).split('\n').length,
  }));
}
