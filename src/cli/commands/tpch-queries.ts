import { makeQueries } from '../../tpc/h/queries.ts';
import { defineCommand } from '../command.ts';
import { write } from '../io.ts';
import { optionTable } from '../options.ts';

const options = optionTable({
  seed: {
    type: 'integer',
    value: 'N',
    summary: 'Draw the parameters as qgen does with this seed (default: the qualification ones)',
  },
  stream: {
    type: 'integer',
    value: 'N',
    summary: 'In the order of this stream, 0 for the power test (default: 1 to 22)',
  },
  scale: {
    type: 'number',
    short: 's',
    value: 'N',
    default: 1,
    summary: 'Scale factor, which a parameter of query 11 depends on',
  },
  query: { type: 'integer', value: 'N', min: 1, max: 22, summary: 'Only this query' },
  parameters: { type: 'flag', summary: 'Only the parameters, a line a query, with tabs between' },
});

const details = `Examples:
  quern tpch queries --seed 1120143005 --stream 0
  quern tpch queries --query 6 | quern shop.quern
`;

export const tpchQueriesCommand = defineCommand({
  name: 'tpch queries',
  summary: 'Print the queries of TPC-H with their parameters',
  options,
  details,
  async run({ options, io }) {
    const { seed, stream, scale } = options;
    const queries = makeQueries({ seed, stream, scale });
    const chosen = queries.filter(({ number }) => (options.query ?? number) === number);
    const texts = chosen.map(({ number, parameters, sql }) => {
      if (options.parameters) return `${[number, ...parameters].join('\t')}\n`;
      return `-- TPC-H query ${number}\n${sql};\n`;
    });
    await write(io.stdout, texts.join(options.parameters ? '' : '\n'));
    return 0;
  },
});
