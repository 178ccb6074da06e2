/** Edge values of every type, and calls that use them. */

/** As texts that a cast to the type reads; undefined stands for NULL. */
export const valueLists: Readonly<Record<string, readonly (string | undefined)[]>> = {
  boolean: ['true', 'false', undefined],
  integer: ['0', '1', '-1', '7', '-2147483648', '2147483647', undefined, '100', '3'],
  bigint: ['2', '-3', '0', '9223372036854775807', '-9223372036854775808', '1', undefined, '12'],
  hugeint: [
    '1',
    '-1',
    '170141183460469231731687303715884105727',
    '-170141183460469231731687303715884105728',
    undefined,
    '123456789012345678901',
    '0',
  ],
  'decimal(9,2)': ['0', '1.25', '-1.25', '9999999.99', '-0.05', undefined, '2.50', '-3.50'],
  'decimal(38,10)': ['0.0000000001', '1234567890123456789012345678.5', '-2.5', undefined, '3.5'],
  double: ['0', '-0.0', '0.5', '-2.5', '1e300', '-1e-300', 'inf', 'nan', undefined, '2.675', '7'],
  real: ['0.1', '-2.5', '3e38', undefined, '16777216', '0.5'],
  varchar: [
    '',
    'hello world',
    '  x  ',
    'ÄÖü ß ŉ ﬁ',
    '日本語',
    undefined,
    'aaa',
    '👍🏽 né́ 🇩🇪🇫🇷',
    '0123456789abcdef0123456789',
  ],
  date: ['1970-01-01', '0001-01-01', '9999-12-31', '2024-02-29', undefined, '1969-12-31'],
  time: ['00:00:00', '24:00:00', '13:14:15.678901', undefined],
  timestamp: [
    '1970-01-01 00:00:00',
    '0001-01-01 00:00:00',
    '9999-12-31 23:59:59.999999',
    '2024-02-29 13:14:15.678901',
    undefined,
    '1969-12-31 23:59:59.5',
    '2021-01-03 00:00:01',
  ],
  'timestamp with time zone': ['2024-12-30 01:02:03', undefined, '1999-12-31 23:00:00'],
  interval: ['1 day', '-14 months -3 days 04:05:06.5', undefined, '36 hours', '1 month'],
};

/** Rows enough for every value to meet several of other types. */
export const rowCount = 12;

export function columnOfType(type: string): string {
  return `c_${type.replaceAll(/\W+/g, '_')}`;
}

type Call = (argument: (type: string) => string) => string;

const numbers = [
  'integer',
  'bigint',
  'hugeint',
  'decimal(9,2)',
  'decimal(38,10)',
  'double',
  'real',
];
const integers = ['integer', 'bigint', 'hugeint'];
/** For calls with two numbers, of which there are many. */
const pairedNumbers = ['integer', 'hugeint', 'decimal(38,10)', 'double'];
const dates = ['date', 'timestamp'];
const units =
  'year quarter month week day hour minute second millisecond decade century isoyear'.split(' ');

/** What a parameter as signatures show it can be given; a word in quotes is a literal. */
function choices(parameter: string): readonly string[] {
  switch (parameter) {
    case 'number':
      return numbers;
    case 'integer':
      return integers;
    case 'date':
      return dates;
    case 'any':
      return ['integer', 'decimal(38,10)', 'double', 'varchar', 'date', 'interval', 'boolean'];
    case '…':
      return [];
    case 'pattern':
      return ["'[a-z]+'", "'(.)(\\w)?'", "'\\b'", "'(?i)[Ä日]+|L+'", "'^$|o'", 'varchar'];
    case 'replacement':
      return ["'<\\0>'", "''"];
    case 'options':
      return ["'i'", "'s'"];
    case 'group':
      return ['0', '1'];
    case 'format':
      return ["'%Y-%m-%d %H:%M:%S.%f %a %A %b %B %-d %j %p %I %y %u %w %V %G'"];
    case "'unit'":
    case "'field'":
      return units.map((unit) => `'${unit}'`);
    default:
      return [parameter.toLowerCase()];
  }
}

/**
 * Calls of a function with each combination of what its signature allows; parameters of the kind
 * any are all of the same type.
 */
export function callsOf(name: string, signature: string): Call[] {
  const inner = signature.slice(1, -1).replaceAll(/[[\]]/g, '');
  const parameters = inner === '' ? [] : inner.split(/, (?![\d)])/);
  if (signature === '(number, INTEGER)') {
    return numbers.flatMap((type) =>
      [-2, 0, 1].map((digits) => callWith(name, [type, `${digits}`])),
    );
  }
  if (parameters.includes('any')) {
    return choices('any').map((type) => {
      const types = parameters.map((parameter) =>
        parameter === 'any' || parameter === '…'
          ? type
          : parameter === 'format'
            ? "'{:>4}|{}'"
            : parameter.toLowerCase(),
      );
      return callWith(name, types);
    });
  }
  const paired = parameters.every((parameter) => parameter === 'number') && parameters.length > 1;
  let combinations: string[][] = [[]];
  for (const parameter of parameters) {
    combinations = combinations.flatMap((types) =>
      (paired ? pairedNumbers : choices(parameter)).map((choice) => [...types, choice]),
    );
  }
  return combinations.map((types) => callWith(name, types));
}

function callWith(name: string, types: readonly string[]): Call {
  return (argument) => {
    const args = types.map((type) => (type in valueLists ? argument(type) : type));
    return `${name}(${args.join(', ')})`;
  };
}
