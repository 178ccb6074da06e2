import { bigintType, doubleType, type SqlType, varcharType } from '../../value/type.ts';
import { define, fixed, type ScalarFunction } from './overload.ts';

function distance(
  names: string,
  help: string,
  example: readonly [call: string, result: string],
  result: SqlType,
): ScalarFunction {
  const [lowered] = names.split(' ');
  return define(names, help, example, fixed(lowered, [varcharType, varcharType], result));
}

export const distanceFunctions = [
  distance(
    'levenshtein editdist3',
    'how many bytes must be put in, left out or replaced to get from one text to the other',
    ["levenshtein('kitten', 'sitting')", '3'],
    bigintType,
  ),
  distance(
    'damerau_levenshtein',
    'the same where two neighbours may also change places in one step',
    ["damerau_levenshtein('abcd', 'acbd')", '1'],
    bigintType,
  ),
  distance(
    'hamming mismatches',
    'in how many bytes two texts of one length differ',
    ["hamming('duck', 'luck')", '1'],
    bigintType,
  ),
  distance(
    'jaccard',
    'the share of the different bytes of both texts that are in each of them',
    ["jaccard('duck', 'luck')", '0.6'],
    doubleType,
  ),
  distance(
    'jaro_similarity',
    "Jaro's similarity, 0 to 1",
    ["jaro_similarity('duck', 'luck')", '0.8333333333333334'],
    doubleType,
  ),
  distance(
    'jaro_winkler_similarity',
    'the same, greater for texts that begin alike',
    ["jaro_winkler_similarity('duck', 'duckdb')", '0.9333333333333333'],
    doubleType,
  ),
];
