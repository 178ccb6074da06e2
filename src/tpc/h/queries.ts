import { QuernError, sqlState } from '../../base/error.ts';
import { queryOrder } from './query-order.ts';
import { qualificationParameters, queryCount, queryParameters } from './query-parameters.ts';
import { queryTemplates } from './query-templates.ts';
import { modulus } from './random.ts';

export interface Query {
  /** 1 to 22. */
  readonly number: number;
  readonly parameters: readonly string[];
  readonly sql: string;
}

export interface QueryOptions {
  /** Scale factor; query 11 depends on it. 1 by default. */
  readonly scale?: number | undefined;
  /** Draws the parameters as qgen does with this seed. Without, they are the qualification ones. */
  readonly seed?: number | undefined;
  /** Puts the queries in the order of a stream: 0 is the power test. Without, 1 to 22. */
  readonly stream?: number | undefined;
}

/** The queries of TPC-H with their parameters: all 22, in the order in which they are to be run. */
export function makeQueries(options: QueryOptions = {}): Query[] {
  const { scale = 1, seed, stream } = options;
  if (!(scale > 0)) throw invalid(`the scale factor must be above 0; got ${scale}`);
  if (seed !== undefined && !(Number.isSafeInteger(seed) && seed > 0 && seed < modulus)) {
    throw invalid(`a seed is a whole number from 1 to ${modulus - 1}; got ${seed}`);
  }
  if (stream !== undefined && !(Number.isSafeInteger(stream) && stream >= 0)) {
    throw invalid(`a stream is a whole number from 0 on; got ${stream}`);
  }
  const numbers =
    stream === undefined
      ? Array.from({ length: queryCount }, (_, index) => index + 1)
      : queryOrder(stream);
  return numbers.map((number) => {
    const parameters =
      seed === undefined
        ? qualificationParameters(number, scale)
        : queryParameters(number, seed, scale);
    return { number, parameters, sql: substitute(queryTemplates[number - 1]!, parameters) };
  });
}

function substitute(template: string, parameters: readonly string[]): string {
  return template.replace(/:(\d+)/g, (_, digits: string) => parameters[Number(digits) - 1]!.trim());
}

function invalid(message: string): QuernError {
  return new QuernError(sqlState.invalidParameterValue, message);
}
