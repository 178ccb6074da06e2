import type { Schema } from '../../value/batch.ts';
import { integerType, varcharType } from '../../value/type.ts';

/** Columns by name; `id` and what ends in `_id` or `_year` are integers, all else text. */
function schema(...columns: readonly string[]): Schema {
  return columns.map((column) => {
    const nullable = column.endsWith('?');
    const name = nullable ? column.slice(0, -1) : column;
    const type = /(^id|_id|_year|_nr)$/.test(name) ? integerType : varcharType;
    return { name, type, nullable };
  });
}

/**
 * Tables of the shape of the Internet Movie Database's, which the Join Order Benchmark asks (Leis
 * et al., "How Good Are Query Optimizers, Really?", VLDB 2015): few entities, many relations
 * between them.
 */
export const movieSchemas = {
  kind_type: schema('id', 'kind'),
  company_type: schema('id', 'kind'),
  info_type: schema('id', 'info'),
  role_type: schema('id', 'role'),
  link_type: schema('id', 'link'),
  title: schema('id', 'title', 'kind_id', 'production_year?', 'episode_nr?'),
  company: schema('id', 'name', 'country_code?'),
  keyword: schema('id', 'word'),
  person: schema('id', 'name', 'gender?', 'birth_year?'),
  alias: schema('person_id', 'name'),
  movie_company: schema('movie_id', 'company_id', 'company_type_id', 'note?'),
  movie_info: schema('movie_id', 'info_type_id', 'info'),
  movie_rating: schema('movie_id', 'info_type_id', 'info'),
  movie_keyword: schema('movie_id', 'keyword_id'),
  movie_link: schema('movie_id', 'linked_movie_id', 'link_type_id'),
  cast_info: schema('movie_id', 'person_id', 'role_id', 'character?', 'note?'),
} as const satisfies Record<string, Schema>;

export type MovieTable = keyof typeof movieSchemas;
