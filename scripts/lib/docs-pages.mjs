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

/** Comments that name a section of docs/format.md or docs/protocol.md (`format.md §4.3`) which that page does not have. */
export function sectionProblems(root, packages) {
  const problems = [];
  const sections = new Map();
  for (const name of ['format.md', 'protocol.md']) {
    const text = readFileSync(join(root, 'docs', name), 'utf8');
    const headings = [...text.matchAll(/^#{2,3} (\d+(?:\.\d+)*)/gm)].map(([, number]) => number);
    const points = text.split(/^## /m).flatMap((section) => {
      const number = /^(\d+)\./.exec(section)?.[1];
      return [...section.matchAll(/^(\d+)\. /gm)].slice(1).map(([, point]) => `${number}.${point}`);
    });
    sections.set(name, new Set([...headings, ...points]));
  }
  for (const file of packages.flatMap(({ sources, tests }) => [...sources, ...tests])) {
    for (const [, name, number] of readFileSync(file, 'utf8').matchAll(
      /(format\.md|protocol\.md) §(\d+(?:\.\d+)*)/g,
    )) {
      if (!sections.get(name).has(number))
        problems.push(`${relative(root, file)}: names ${name} §${number}, which is not there`);
    }
  }
  return problems;
}
