// esbuild declares everything at the top of a bundle with `var`. V8 takes that for something that may change: compiled code loads it each time,
// and looks at what it has got. Of a `const` it has the value itself, and knows what a function calls.
import ts from 'typescript';

/**
 * The same bundle, with `const` in front of what has its value from the beginning and is given no other.
 *
 * `var a = 1` and `const a=1` have one length, so that the source map stays true.
 *
 * @param {string} text what esbuild has made
 * @returns {string}
 */
export function nameConstants(text) {
  const file = ts.createSourceFile('bundle.js', text, ts.ScriptTarget.ES2023, false, ts.ScriptKind.JS);
  const assigned = namesAssigned(file);
  let result = '';
  let end = 0;
  for (const statement of file.statements) {
    const start = statement.getStart(file);
    const [declaration = '', name = ''] = /^var ([\w$]+) = /.exec(text.slice(start, statement.end)) ?? [];
    if (name === '' || assigned.has(name) || !isOfOne(statement)) continue;
    result += `${text.slice(end, start)}const ${name}=`;
    end = start + declaration.length;
  }
  return result + text.slice(end);
}

/** @param {ts.Statement} statement */
function isOfOne(statement) {
  return ts.isVariableStatement(statement) && statement.declarationList.declarations.length === 1;
}

/**
 * Every name that something is assigned to after its declaration, wherever that is and whatever else has the same name there.
 *
 * @param {ts.SourceFile} file
 * @returns {Set<string>}
 */
function namesAssigned(file) {
  /** @type {Set<string>} */
  const names = new Set();
  /** @param {ts.Node} target */
  const add = (target) => {
    if (ts.isIdentifier(target)) names.add(target.text);
    else if (!ts.isPropertyAccessExpression(target) && !ts.isElementAccessExpression(target))
      ts.forEachChild(target, add);
  };
  /** @param {ts.Node} node */
  const look = (node) => {
    const target = targetOf(node);
    if (target !== null) add(target);
    ts.forEachChild(node, look);
  };
  look(file);
  return names;
}

/**
 * What the node gives a value to, or null.
 *
 * @param {ts.Node} node
 * @returns {ts.Node | null}
 */
function targetOf(node) {
  if (ts.isBinaryExpression(node)) return isAssignment(node.operatorToken.kind) ? node.left : null;
  if (ts.isForInStatement(node) || ts.isForOfStatement(node)) return node.initializer;
  if (ts.isPostfixUnaryExpression(node)) return node.operand;
  if (!ts.isPrefixUnaryExpression(node)) return null;
  const { PlusPlusToken, MinusMinusToken } = ts.SyntaxKind;
  return node.operator === PlusPlusToken || node.operator === MinusMinusToken ? node.operand : null;
}

/** @param {ts.SyntaxKind} operator */
function isAssignment(operator) {
  return operator >= ts.SyntaxKind.FirstAssignment && operator <= ts.SyntaxKind.LastAssignment;
}
