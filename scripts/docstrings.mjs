// npm run docstrings: every public name has its docstring, and every public number says what it counts.
//
// Public is what src/index.ts and the faces export, with the members of exported interfaces, classes and object types, and of objects of
// constants; of src/simulation/index.ts, which is for tests, the members of classes are left out. A number is a property, parameter or
// result of type number: its docstring must name a unit or a range.
//
// eslint-plugin-jsdoc was considered: it sees comments and not types, so it can neither follow an export to its members nor
// tell a number from a handle.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { root } from './paths.mjs';

/** What a docstring of a number says, one way or another. */
const UNIT =
  /\b(bytes?|bits?|milliseconds?|ms|seconds?|port|sockets?|connections?|accepts?|operations?|packets?|slots?|probes?|batch(es)?|hops?|turns?|steps?|times|calls?|index|id|code|number of|how many|handle|seed|probability|address|threads?|callbacks?|attempts?|milli\w+)\b|\d … |0x/i;

/** Names of numbers that say their unit themselves. */
const UNIT_NAME = /bytes|milliseconds|ms$|seconds|port$|count|index/i;

/** Properties and parameters whose type is one of these need a unit. */
const NUMBERS = ts.TypeFlags.Number;

/**
 * @param {{ file: string, classMembers: boolean }[]} entries files whose exports are public; and the members of classes too?
 * @param {ts.CompilerOptions} options
 * @param {ts.CompilerHost} [host]
 * @returns {string[]} one line per finding: file:line: name, and what it lacks
 */
export function findUndocumented(entries, options, host) {
  const program = ts.createProgram(
    entries.map(({ file }) => file),
    options,
    host,
  );
  const checker = program.getTypeChecker();
  /** @type {Set<string>} */
  const findings = new Set();
  /** @type {Set<ts.Symbol>} */
  const seen = new Set();
  let withClassMembers = true;
  for (const { file, classMembers } of entries) {
    withClassMembers = classMembers;
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`Cannot look for docstrings in ${file}: it is no module`);
    for (const exported of checker.getExportsOfModule(module)) check(exported.name, resolve(exported));
  }
  return [...findings].sort();

  /** @param {ts.Symbol} symbol */
  function resolve(symbol) {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  }

  /**
   * @param {string} name
   * @param {ts.Symbol} symbol
   */
  function check(name, symbol) {
    if (seen.has(symbol)) return;
    seen.add(symbol);
    for (const declaration of symbol.declarations ?? []) {
      if (!isOurs(declaration)) continue;
      checkOne(name, symbol, declaration);
      for (const member of membersOf(symbol, declaration)) check(`${name}.${member.name}`, member);
    }
  }

  /**
   * @param {string} name
   * @param {ts.Symbol} symbol
   * @param {ts.Declaration} declaration
   */
  function checkOne(name, symbol, declaration) {
    const text = ts.displayPartsToString(symbol.getDocumentationComment(checker));
    if (text.trim() === '') report(declaration, name, 'has no docstring');
    const type = checker.getTypeOfSymbolAtLocation(symbol, declaration);
    const isProperty = (symbol.flags & (ts.SymbolFlags.Property | ts.SymbolFlags.Accessor)) !== 0;
    if (isProperty && !isConstant(declaration) && isNumber(type) && text !== '' && !UNIT.test(text)) {
      report(declaration, name, 'is a number, and its docstring names neither a unit nor a range');
    }
    for (const signature of signaturesOf(symbol, declaration)) checkSignature(name, text, signature, declaration);
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {ts.Signature} signature
   * @param {ts.Declaration} declaration
   */
  function checkSignature(name, text, signature, declaration) {
    const tags = signature.getJsDocTags();
    for (const parameter of signature.parameters) {
      const type = checker.getTypeOfSymbolAtLocation(parameter, declaration);
      if (!isNumber(type) || UNIT_NAME.test(parameter.name)) continue;
      const tag = tags.find((each) => each.name === 'param' && each.text?.[0]?.text === parameter.name);
      const said = tag === undefined ? text : ts.displayPartsToString(tag.text);
      const named = tag !== undefined || new RegExp(`\\b${parameter.name}\\b`).test(text);
      if (!named || !UNIT.test(said)) {
        report(declaration, name, `takes the number '${parameter.name}', and says nothing about its unit or range`);
      }
    }
    if (isNumber(signature.getReturnType()) && text !== '' && !UNIT.test(text)) {
      report(declaration, name, 'returns a number, and its docstring names neither a unit nor a range');
    }
  }

  /**
   * @param {ts.Declaration} declaration
   * @param {string} name
   * @param {string} problem
   */
  function report(declaration, name, problem) {
    const source = declaration.getSourceFile();
    const { line } = source.getLineAndCharacterOfPosition(declaration.getStart());
    findings.add(`${path.relative(root, source.fileName)}:${line + 1}: ${name} ${problem}`);
  }

  /** @param {ts.Type} type */
  function isNumber(type) {
    const plain = checker.getNonNullableType(type);
    return (plain.flags & NUMBERS) !== 0;
  }

  /**
   * @param {ts.Symbol} symbol
   * @param {ts.Declaration} declaration
   * @returns {readonly ts.Signature[]}
   */
  function signaturesOf(symbol, declaration) {
    if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) return [];
    const type = ts.isTypeAliasDeclaration(declaration)
      ? checker.getDeclaredTypeOfSymbol(symbol)
      : checker.getNonNullableType(checker.getTypeOfSymbolAtLocation(symbol, declaration));
    return type.getCallSignatures();
  }

  /**
   * @param {ts.Symbol} symbol
   * @param {ts.Declaration} declaration
   * @returns {ts.Symbol[]}
   */
  function membersOf(symbol, declaration) {
    if (ts.isVariableDeclaration(declaration)) {
      const { initializer } = declaration;
      const value = initializer && ts.isAsExpression(initializer) ? initializer.expression : initializer;
      if (value === undefined || !ts.isObjectLiteralExpression(value)) return [];
      // Constants: a number or a word whose meaning only its docstring can say.
      return checker
        .getPropertiesOfType(checker.getTypeOfSymbolAtLocation(symbol, declaration))
        .filter((member) => checker.getTypeOfSymbol(member).isLiteral());
    }
    if (ts.isClassDeclaration(declaration) && !withClassMembers) return [];
    const hasMembers =
      ts.isInterfaceDeclaration(declaration) ||
      ts.isClassDeclaration(declaration) ||
      (ts.isTypeAliasDeclaration(declaration) && ts.isTypeLiteralNode(declaration.type));
    if (!hasMembers) return [];
    const statics = ts.isClassDeclaration(declaration)
      ? checker.getPropertiesOfType(checker.getTypeOfSymbolAtLocation(symbol, declaration))
      : [];
    return [...checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)), ...statics].filter(isPublic);
  }
}

/**
 * Not of a library, and not of Node.js.
 * @param {ts.Declaration} declaration
 */
function isOurs(declaration) {
  return !declaration.getSourceFile().isDeclarationFile;
}

/**
 * A member of a constant object, whose value its name stands for.
 * @param {ts.Declaration} declaration
 */
function isConstant(declaration) {
  return ts.isPropertyAssignment(declaration);
}

/** @param {ts.Symbol} member */
function isPublic(member) {
  const [declaration] = member.declarations ?? [];
  if (declaration === undefined || member.name === 'prototype') return false;
  if (ts.isClassElement(declaration) && declaration.name && ts.isPrivateIdentifier(declaration.name)) return false;
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  return (ts.getCombinedModifierFlags(declaration) & hidden) === 0;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const config = ts.getParsedCommandLineOfConfigFile(path.join(root, 'tsconfig.json'), {}, /** @type {any} */ (ts.sys));
  if (config === undefined) throw new Error('Cannot read tsconfig.json');
  const entries = [
    { file: path.join(root, 'src/index.ts'), classMembers: true },
    { file: path.join(root, 'src/dgram/index.ts'), classMembers: true },
    { file: path.join(root, 'src/http/index.ts'), classMembers: true },
    { file: path.join(root, 'src/net/index.ts'), classMembers: true },
    { file: path.join(root, 'src/register/index.ts'), classMembers: true },
    { file: path.join(root, 'src/simulation/index.ts'), classMembers: false },
    { file: path.join(root, 'src/promises/index.ts'), classMembers: true },
    { file: path.join(root, 'src/wsapoll/index.ts'), classMembers: true },
  ];
  const findings = findUndocumented(entries, config.options);
  for (const finding of findings) console.error(finding);
  if (findings.length > 0) console.error(`\n${findings.length} public names lack something`);
  process.exitCode = findings.length > 0 ? 1 : 0;
}
