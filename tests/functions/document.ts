import { readFileSync, writeFileSync } from 'node:fs';
import { functionTopics } from '../../src/bind/functions/scalar.ts';

const path = new URL('../../../docs/functions.md', import.meta.url);

const introduction = `# Scalar functions

Made from the table of functions in \`src/bind/functions\`; \`node dist/tasks/main.js accept\` writes it anew. A function
gives NULL where an argument is NULL, unless it says otherwise. What is out of the range of its type, or of the domain
of the function, is an error. Names may be written in any case.

Regular expressions are those of RE2: no lookaround and no references back, so that the time grows with the text
only, whatever the pattern; \`\\d\`, \`\\w\`, \`\\s\` and \`\\b\` are of ASCII, \`\\pL\` and \`\\p{Greek}\` of Unicode. A
pattern that is a literal becomes an automaton in the query; one from a column or a parameter is simulated, which is
slower.

A function of one dictionary-coded column (short repeated texts) is evaluated once for each entry of the dictionary.

Operators: \`+ - * / // %\` (\`/\` divides to a DOUBLE, \`//\` cuts whole numbers off), \`^\` and \`**\`,
\`& | ~ << >>\`, \`||\`, \`^@\`, \`LIKE\`, \`ILIKE\`, \`~\`, \`SIMILAR TO\`; comparisons, \`BETWEEN\`, \`IN\`, \`IS [NOT] DISTINCT FROM\`.
\`CAST(x AS type)\`, \`x::type\`, and \`TRY_CAST\`, which gives NULL where the cast fails. \`current_date\` and
\`current_timestamp\` (also \`today()\`, \`now()\`) are the moment at which the statement began.
`;

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

/** The table of scalar functions as a document. */
export function functionsDocument(): string {
  const topics = functionTopics.map(([topic, functions]) => {
    const rows = functions.map(({ names, help, example, overloads }) => {
      const signatures = overloads.map(({ signature }) => `\`${names[0]}${signature}\``);
      const others = names.length === 1 ? '' : `; also ${names.slice(1).join(', ')}`;
      const [call, result] = example;
      const called = signatures.join(', ').replaceAll('|', '\\|');
      return `| ${called}${others} | ${cell(help)} | \`${cell(call)}\` → ${cell(result)} |`;
    });
    return [`## ${topic}`, '', '| function | gives | example |', '|---|---|---|', ...rows, ''];
  });
  return [introduction, ...topics.map((lines) => lines.join('\n'))].join('\n');
}

export function readFunctionsDocument(): string {
  return readFileSync(path, 'utf8');
}

/** Whether the document changed. */
export function acceptFunctionsDocument(): boolean {
  const text = functionsDocument();
  let known: string | undefined;
  try {
    known = readFunctionsDocument();
  } catch {
    known = undefined;
  }
  if (text !== known) writeFileSync(path, text);
  return text !== known;
}
