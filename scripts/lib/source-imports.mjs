// What a TypeScript file imports, in every form that the language has.
import { readFileSync } from 'node:fs';
import { parseSync, Visitor } from 'oxc-parser';

/**
 * Each import of a file: `{specifier, line}`. Types, re-exports, `import()`, `import('…').Type`, `require('…')` and
 * `import.meta.resolve('…')` count alike; an `import()` of what is no plain string has `specifier: null`.
 * A file that does not parse is an Error.
 */
export function importsOf(path) {
  const text = readFileSync(path, 'utf8');
  const { program, errors } = parseSync(path, text);
  if (errors.length > 0) throw new Error(`${path}: ${errors[0].message}`);
  const imports = [];
  const note = (source) => {
    if (source === null) return;
    const isText = source.type === 'Literal' && typeof source.value === 'string';
    imports.push({ specifier: isText ? source.value : null, line: lineAt(text, source.start) });
  };
  new Visitor({
    ImportDeclaration: (node) => note(node.source),
    ExportAllDeclaration: (node) => note(node.source),
    ExportNamedDeclaration: (node) => note(node.source),
    ImportExpression: (node) => note(node.source),
    TSImportType: (node) => note(node.source),
    TSExternalModuleReference: (node) => note(node.expression),
    CallExpression: (node) => {
      const [first] = node.arguments;
      if (first?.type === 'Literal' && resolvesModules(node.callee)) note(first);
    },
  }).visit(program);
  return imports;
}

function resolvesModules(callee) {
  if (callee.type === 'Identifier') return callee.name === 'require';
  if (callee.type !== 'MemberExpression' || callee.property.name !== 'resolve') return false;
  return callee.object.type === 'MetaProperty' || callee.object.name === 'require';
}

function lineAt(text, offset) {
  return text.slice(0, offset).split('\n').length;
}
