/**
 * Queries of the shape of the Join Order Benchmark's: a count over many relations around a few
 * movies, with predicates on columns whose values are far from evenly spread. They are kept in
 * parts, so that any subset of the relations can be asked about by itself.
 */
import type { MovieTable } from './schema.ts';

export interface MovieQuery {
  readonly name: string;
  /** Tables by alias. */
  readonly from: Readonly<Record<string, MovieTable>>;
  /** Equalities `a.x = b.y`. */
  readonly joins: readonly string[];
  /** Predicates by the alias that they read. */
  readonly where: Readonly<Record<string, string>>;
}

/** The aliases in use: what a relation is, and what it is joined to when both are there. */
const relations: Readonly<Record<string, readonly [MovieTable, ...string[]]>> = {
  t: ['title'],
  kt: ['kind_type', 'kt.id = t.kind_id'],
  mc: ['movie_company', 'mc.movie_id = t.id'],
  cn: ['company', 'cn.id = mc.company_id'],
  ct: ['company_type', 'ct.id = mc.company_type_id'],
  mi: ['movie_info', 'mi.movie_id = t.id'],
  it: ['info_type', 'it.id = mi.info_type_id'],
  mi2: ['movie_info', 'mi2.movie_id = t.id'],
  it2: ['info_type', 'it2.id = mi2.info_type_id'],
  mx: ['movie_rating', 'mx.movie_id = t.id'],
  ix: ['info_type', 'ix.id = mx.info_type_id'],
  my: ['movie_rating', 'my.movie_id = t.id'],
  iy: ['info_type', 'iy.id = my.info_type_id'],
  mk: ['movie_keyword', 'mk.movie_id = t.id'],
  k: ['keyword', 'k.id = mk.keyword_id'],
  ci: ['cast_info', 'ci.movie_id = t.id'],
  n: ['person', 'n.id = ci.person_id'],
  an: ['alias', 'an.person_id = n.id'],
  rt: ['role_type', 'rt.id = ci.role_id'],
  ml: ['movie_link', 'ml.movie_id = t.id'],
  lt: ['link_type', 'lt.id = ml.link_type_id'],
  t2: ['title', 't2.id = ml.linked_movie_id'],
  mc2: ['movie_company', 'mc2.movie_id = t2.id'],
  cn2: ['company', 'cn2.id = mc2.company_id'],
  mx2: ['movie_rating', 'mx2.movie_id = t2.id'],
};

function query(name: string, aliases: string, where: Readonly<Record<string, string>>): MovieQuery {
  const used = aliases.split(' ');
  const from = Object.fromEntries(used.map((alias) => [alias, relations[alias][0]]));
  const joins = used.flatMap((alias) => relations[alias].slice(1));
  return { name, from, joins, where };
}

const infoIs = (alias: string, info: string) => ({ [alias]: `${alias}.info = '${info}'` });

export const movieQueries: readonly MovieQuery[] = [
  query('1a', 't mc ct mx ix', {
    ct: "ct.kind = 'production companies'",
    ...infoIs('ix', 'top 250 rank'),
    mc: "mc.note NOT LIKE '%(TV)%' AND mc.note LIKE '%(co-production)%'",
  }),
  query('1b', 't mc ct mx ix', {
    ct: "ct.kind = 'distributors'",
    ...infoIs('ix', 'top 250 rank'),
    t: 't.production_year BETWEEN 2005 AND 2010',
    mc: "mc.note LIKE '%(worldwide)%'",
  }),
  query('2a', 't mc cn mk k', {
    cn: "cn.country_code = '[de]'",
    k: "k.word = 'murder'",
  }),
  query('2b', 't mc cn mk k', {
    cn: "cn.country_code = '[us]'",
    k: "k.word = 'word-1500-3'",
  }),
  query('3a', 't mi mk k', {
    k: "k.word LIKE '%sequel%'",
    mi: "mi.info IN ('Sweden', 'Norway', 'Germany', 'Denmark', 'Swedish', 'Danish', 'German')",
    t: 't.production_year > 2005',
  }),
  query('3b', 't mi mk k', {
    k: "k.word LIKE 'word-1%'",
    mi: "mi.info IN ('Bulgaria', 'Bulgarian')",
    t: 't.production_year > 2010',
  }),
  query('4a', 't mx ix mk k', {
    ...infoIs('ix', 'rating'),
    k: "k.word LIKE '%blood%'",
    mx: "mx.info > '5.0'",
    t: 't.production_year > 2005',
  }),
  query('5a', 't mc ct mi it', {
    ct: "ct.kind = 'production companies'",
    mc: "mc.note LIKE '%(theatrical)%' AND mc.note LIKE '%(France)%'",
    mi: "mi.info IN ('French', 'France')",
    t: 't.production_year > 2005',
  }),
  query('5b', 't mc ct mi it', {
    ct: "ct.kind = 'distributors'",
    mc: "mc.note LIKE '%(USA)%' AND mc.note LIKE '%(1994)%'",
    mi: "mi.info IN ('USA', 'English')",
    t: 't.production_year > 1990',
  }),
  query('6a', 't ci n mk k', {
    k: "k.word = 'superhero'",
    n: "n.name LIKE '%Downey%Robert%'",
    t: 't.production_year > 2000',
  }),
  query('6b', 't ci n mk k', {
    k: "k.word IN ('superhero', 'sequel', 'based-on-comic', 'fight', 'violence', 'magnet')",
    t: 't.production_year > 2010',
  }),
  query('7a', 't ci n an ml lt', {
    an: "an.name LIKE '%a%'",
    lt: "lt.link = 'features'",
    n: "n.gender = 'm' OR (n.gender = 'f' AND n.name LIKE 'B%')",
    t: 't.production_year BETWEEN 1980 AND 1995',
  }),
  query('8a', 't ci n rt mc cn', {
    ci: "ci.note = '(voice)'",
    cn: "cn.country_code = '[jp]'",
    mc: "mc.note LIKE '%(Japan)%' AND mc.note NOT LIKE '%(USA)%'",
    n: "n.name LIKE '%Yo%' OR n.name LIKE '%Yu%'",
    rt: "rt.role = 'actress'",
  }),
  query('8b', 't ci n an rt mc cn', {
    cn: "cn.country_code = '[us]'",
    rt: "rt.role = 'writer'",
  }),
  query('9a', 't ci n rt mc cn', {
    ci: "ci.note IN ('(voice)', '(uncredited)')",
    cn: "cn.country_code = '[us]'",
    mc: "mc.note IS NOT NULL AND (mc.note LIKE '%(USA)%' OR mc.note LIKE '%(worldwide)%')",
    n: "n.gender = 'f' AND n.name LIKE '%Ang%'",
    rt: "rt.role = 'actress'",
    t: 't.production_year BETWEEN 2005 AND 2014',
  }),
  query('10a', 't ci rt mc cn ct', {
    ci: "ci.note LIKE '%(voice)%' AND ci.character IS NOT NULL",
    cn: "cn.country_code = '[ru]'",
    rt: "rt.role = 'actor'",
    t: 't.production_year > 2005',
  }),
  query('11a', 't mc cn ct mk k ml lt', {
    cn: "cn.country_code <> '[pl]' AND (cn.name LIKE '%Film%' OR cn.name LIKE '%Warner%')",
    ct: "ct.kind = 'production companies'",
    k: "k.word = 'sequel'",
    lt: "lt.link LIKE '%follow%'",
    mc: 'mc.note IS NULL',
    t: 't.production_year BETWEEN 1950 AND 2010',
  }),
  query('12a', 't mc cn ct mi it mx ix', {
    cn: "cn.country_code = '[us]'",
    ct: "ct.kind = 'production companies'",
    ...infoIs('it', 'genres'),
    ...infoIs('ix', 'rating'),
    mi: "mi.info IN ('Drama', 'Horror')",
    mx: "mx.info > '8.0'",
    t: 't.production_year BETWEEN 2005 AND 2008',
  }),
  query('12b', 't mc cn ct mi it mx ix', {
    cn: "cn.country_code = '[in]'",
    ct: "ct.kind IN ('production companies', 'distributors')",
    ...infoIs('it', 'budget'),
    ...infoIs('ix', 'bottom 10 rank'),
    t: "t.production_year > 2000 AND (t.title LIKE 'Iron%' OR t.title LIKE 'Champion%')",
  }),
  query('13a', 't kt mc cn ct mi it mx ix', {
    cn: "cn.country_code = '[de]'",
    ct: "ct.kind = 'production companies'",
    ...infoIs('ix', 'rating'),
    ...infoIs('it', 'release dates'),
    kt: "kt.kind = 'movie'",
  }),
  query('14a', 't kt mi it mx ix mk k', {
    ...infoIs('it', 'countries'),
    ...infoIs('ix', 'rating'),
    k: "k.word IN ('murder', 'blood', 'violence', 'revenge')",
    kt: "kt.kind = 'movie'",
    mi: "mi.info IN ('Sweden', 'Norway', 'Germany', 'Denmark', 'USA')",
    mx: "mx.info < '8.5'",
    t: 't.production_year > 2008',
  }),
  query('15a', 't mc cn ct mi it mk k', {
    cn: "cn.country_code = '[us]'",
    ...infoIs('it', 'release dates'),
    mc: "mc.note LIKE '%(200%)%' AND mc.note LIKE '%(worldwide)%'",
    mi: "mi.info LIKE 'USA:% 200%'",
    t: 't.production_year > 2000',
  }),
  query('16a', 't ci n an mc cn mk k', {
    cn: "cn.country_code = '[us]'",
    k: "k.word = 'suicide'",
    t: 't.episode_nr >= 5 AND t.episode_nr < 20',
  }),
  query('16b', 't ci n an mc cn mk k', {
    cn: "cn.country_code = '[us]'",
    k: "k.word = 'sequel'",
  }),
  query('17a', 't ci n mc cn mk k', {
    cn: "cn.country_code = '[us]'",
    k: "k.word = 'hero'",
    n: "n.name LIKE 'B%'",
  }),
  query('18a', 't ci n mi it mx ix', {
    ci: "ci.note IN ('(executive)', '(uncredited)')",
    ...infoIs('it', 'budget'),
    ...infoIs('ix', 'votes'),
    n: "n.gender = 'm' AND n.name LIKE '%Tim%'",
  }),
  query('18b', 't ci n mi it mx ix', {
    ...infoIs('it', 'genres'),
    ...infoIs('ix', 'rating'),
    mi: "mi.info IN ('Horror', 'Thriller')",
    mx: "mx.info > '8.0'",
    n: "n.gender = 'f'",
    t: 't.production_year BETWEEN 2008 AND 2014',
  }),
  query('19a', 't ci n rt mc cn mi it', {
    ci: "ci.note IN ('(voice)', '(voice: English)')",
    cn: "cn.country_code = '[us]'",
    ...infoIs('it', 'release dates'),
    mi: "mi.info LIKE 'Japan:%20%' OR mi.info LIKE 'USA:%20%'",
    n: "n.gender = 'f'",
    rt: "rt.role = 'actress'",
    t: 't.production_year BETWEEN 2000 AND 2014',
  }),
  query('20a', 't kt ci n mk k', {
    ci: "ci.character LIKE '%Role 1%'",
    k: "k.word IN ('superhero', 'sequel', 'based-on-comic', 'fight', 'explosion')",
    kt: "kt.kind = 'movie'",
    t: 't.production_year > 1950',
  }),
  query('21a', 't mc cn ct mi mk k ml lt', {
    cn: "cn.country_code <> '[pl]' AND cn.name LIKE '%Film%'",
    ct: "ct.kind = 'production companies'",
    k: "k.word = 'sequel'",
    lt: "lt.link LIKE '%follow%'",
    mi: "mi.info IN ('Germany', 'German', 'France', 'French', 'USA', 'English')",
  }),
  query('22a', 't kt mc cn ct mi it mx ix mk k', {
    cn: "cn.country_code <> '[us]'",
    ...infoIs('it', 'countries'),
    ...infoIs('ix', 'rating'),
    k: "k.word IN ('murder', 'violence', 'blood')",
    kt: "kt.kind IN ('movie', 'episode')",
    mc: "mc.note NOT LIKE '%(USA)%' AND mc.note LIKE '%(20%)%'",
    mi: "mi.info IN ('Germany', 'Sweden', 'France', 'Denmark')",
    mx: "mx.info < '7.0'",
    t: 't.production_year > 2008',
  }),
  query('23a', 't kt mc cn ct mi it mk k', {
    cn: "cn.country_code = '[us]'",
    ...infoIs('it', 'release dates'),
    kt: "kt.kind IN ('movie', 'tv movie')",
    mi: "mi.info LIKE 'USA:% 199%' OR mi.info LIKE 'USA:% 200%'",
    t: 't.production_year > 1990',
    k: "k.word < 'b'",
  }),
  query('24a', 't ci n rt mc cn mi it mk k', {
    ci: "ci.note = '(voice)'",
    cn: "cn.country_code = '[us]'",
    ...infoIs('it', 'release dates'),
    k: "k.word IN ('hero', 'computer-animation', 'magnet', 'anthropomorphism')",
    n: "n.gender = 'f' AND n.name LIKE '%An%'",
    rt: "rt.role = 'actress'",
    t: 't.production_year > 2005',
  }),
  query('25a', 't ci n mi it mx ix mk k', {
    ci: "ci.note IN ('(executive)', '(uncredited)')",
    ...infoIs('it', 'genres'),
    ...infoIs('ix', 'votes'),
    k: "k.word IN ('murder', 'blood', 'gore', 'zombie', 'monster')",
    mi: "mi.info = 'Horror'",
    n: "n.gender = 'm'",
  }),
  query('26a', 't kt ci n mc cn mx ix mk k', {
    ci: 'ci.character IS NOT NULL',
    ...infoIs('ix', 'rating'),
    k: "k.word IN ('superhero', 'based-on-comic', 'fight', 'alien', 'robot')",
    kt: "kt.kind = 'movie'",
    mx: "mx.info > '7.0'",
    t: 't.production_year > 2000',
    cn: "cn.country_code IN ('[us]', '[gb]')",
  }),
  query('28a', 't kt mc cn ct mi it mi2 it2 mx ix', {
    cn: "cn.country_code <> '[us]'",
    ...infoIs('it', 'countries'),
    ...infoIs('it2', 'genres'),
    ...infoIs('ix', 'rating'),
    kt: "kt.kind = 'movie'",
    mi: "mi.info IN ('Sweden', 'Germany', 'Denmark')",
    mi2: "mi2.info IN ('Crime', 'Thriller')",
    mx: "mx.info < '8.5'",
    t: 't.production_year > 2005',
  }),
  query('29a', 't ci n an rt mc cn mi it mk k', {
    ci: "ci.note = '(voice)'",
    cn: "cn.country_code = '[us]'",
    ...infoIs('it', 'release dates'),
    k: "k.word = 'computer-animation'",
    n: "n.gender = 'f'",
    rt: "rt.role = 'actress'",
    t: 't.production_year BETWEEN 2000 AND 2014',
  }),
  query('31a', 't ci n mc cn mi it mx ix mk k', {
    ci: "ci.note IN ('(executive)', '(uncredited)')",
    cn: "cn.name LIKE '%Universal%'",
    ...infoIs('it', 'genres'),
    ...infoIs('ix', 'votes'),
    k: "k.word IN ('murder', 'violence', 'blood', 'gore')",
    mi: "mi.info IN ('Horror', 'Thriller')",
    n: "n.gender = 'm'",
  }),
  query('32a', 't mk k ml lt t2', { k: "k.word = 'alien'" }),
  query('33a', 't mc cn mx ix ml lt t2 mc2 cn2 mx2', {
    cn: "cn.country_code = '[us]'",
    ...infoIs('ix', 'rating'),
    lt: "lt.link IN ('references', 'follows', 'followed by')",
    mx2: "mx2.info < '5.0'",
    t2: 't2.production_year BETWEEN 1990 AND 2008',
  }),
  query('34a', 't kt mi it mx ix my iy', {
    ...infoIs('it', 'runtimes'),
    ...infoIs('ix', 'rating'),
    ...infoIs('iy', 'votes'),
    kt: "kt.kind = 'tv series'",
    my: "my.info LIKE '1%'",
  }),
];

/** The text of a query; `columns` is what it selects. */
export function movieSql(query: MovieQuery, columns = 'count(*)'): string {
  const from = Object.entries(query.from).map(([alias, table]) => `${table} ${alias}`);
  const conditions = [...query.joins, ...Object.values(query.where).map((part) => `(${part})`)];
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  return `SELECT ${columns} FROM ${from.join(', ')}${where}`;
}
