// What the answers mean: which files count, which failures are explained, and the tables in docs/node-compat.md.

/** @typedef {import('./answers.mjs').Answers} Answers */
/** @typedef {import('./test-file.mjs').TestFile} TestFile */
/** @typedef {Record<string, string>} ExpectedFailures by the name of the test file: why it fails, with us alone */

/**
 * @typedef {object} Verdict
 * @property {TestFile[]} counted files that pass on plain node.exe and have been asked of the module under test
 * @property {TestFile[]} passed those of them that pass with it too
 * @property {TestFile[]} explained those that fail, and are expected to
 * @property {TestFile[]} unexplained those that fail and are not expected to
 * @property {TestFile[]} outdated those that pass although they are expected to fail
 */

/**
 * @param {readonly TestFile[]} files
 * @param {Answers} answers
 * @param {ExpectedFailures} expected
 * @returns {Verdict}
 */
export function judge(files, answers, expected) {
  const counted = files.filter(
    ({ name }) => answers[name]?.plain?.outcome === 'passed' && answers[name].ours !== undefined,
  );
  const passes = (/** @type {TestFile} */ { name }) => answers[name]?.ours?.outcome === 'passed';
  const passed = counted.filter(passes);
  const failed = counted.filter((file) => !passes(file));
  return {
    counted,
    passed,
    explained: failed.filter(({ name }) => name in expected),
    unexplained: failed.filter(({ name }) => !(name in expected)),
    outdated: passed.filter(({ name }) => name in expected),
  };
}

/**
 * A row for each kind of files, and the sum.
 * @param {readonly TestFile[]} files
 * @param {Answers} answers
 * @param {ExpectedFailures} expected
 */
export function resultsTable(files, answers, expected) {
  const header = [
    'tests of',
    'which need',
    'files',
    'pass on plain node',
    'of those asked',
    'pass with iocp-pal',
    'share',
  ];
  const rows = [];
  for (const group of new Set(files.map((file) => file.group))) {
    const ofGroup = files.filter((file) => file.group === group);
    const kinds = [...new Set(ofGroup.map(({ kind }) => kind))].sort(
      (a, b) => Number(b === 'public') - Number(a === 'public') || (a < b ? -1 : 1),
    );
    for (const kind of kinds) {
      const ofKind = ofGroup.filter((file) => file.kind === kind);
      rows.push(row([group, kind === 'public' ? 'the public API alone' : kind], ofKind));
    }
    if (kinds.length > 1) rows.push(row([group, 'all'], ofGroup));
  }
  return table(header, rows);

  /**
   * @param {string[]} names
   * @param {readonly TestFile[]} some
   */
  function row(names, some) {
    const { counted, passed } = judge(some, answers, expected);
    const onPlain = some.filter(({ name }) => answers[name]?.plain?.outcome === 'passed');
    const share = counted.length === 0 ? '' : `${Math.floor((1000 * passed.length) / counted.length) / 10} %`;
    return [...names, ...[some, onPlain, counted, passed].map(({ length }) => String(length)), share];
  }
}

/** @param {ExpectedFailures} expected */
export function expectedTable(expected) {
  const names = Object.keys(expected).sort();
  return table(
    ['file', 'why it fails'],
    names.map((name) => [`\`${name}\``, expected[name] ?? '']),
  );
}

/**
 * A Markdown table, its columns as wide as prettier makes them.
 * @param {string[]} header
 * @param {string[][]} rows
 */
function table(header, rows) {
  const widths = header.map((title, column) =>
    Math.max(3, ...[title, ...rows.map((row) => row[column] ?? '')].map(({ length }) => length)),
  );
  const line = (/** @type {string[]} */ cells) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n');
}

/**
 * A page with the text between <!-- name --> and <!-- end of name --> replaced.
 * @param {string} page
 * @param {string} name
 * @param {string} text
 */
export function withSection(page, name, text) {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- end of ${name} -->`];
  const [from, to] = [page.indexOf(begin), page.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`Cannot write the section: the page has no ${begin} before ${end}`);
  return `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`;
}
