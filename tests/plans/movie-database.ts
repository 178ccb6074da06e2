/**
 * A small database of the shape of the Join Order Benchmark's (Leis et al., "How Good Are Query
 * Optimizers, Really?", VLDB 2015), made by SQL that any engine runs: keys that few rows use often,
 * columns that depend on each other across tables, and queries of many joins over them.
 */
const titles = 20_000;

/** Values from 0 to `count` - 1, the smaller the more often. */
function skewed(count: number, salt: number): string {
  const uniform = `((i * 7919 + ${salt} * 104729) % 100003)`;
  return `CAST(${count} * (${uniform} / 100003.0) * (${uniform} / 100003.0) * 0.999 AS INTEGER)`;
}

function table(name: string, rows: number, columns: Readonly<Record<string, string>>): string {
  const items = Object.entries(columns).map(([column, sql]) => `${sql} AS ${column}`);
  return `CREATE TABLE ${name} AS SELECT ${items.join(', ')} FROM (SELECT range AS i FROM range(${rows})) r`;
}

export const movieTables: readonly string[] = [
  table('kind_type', 7, { id: 'i', kind: "'kind ' || i" }),
  table('info_type', 40, { id: 'i', info: "'info ' || i" }),
  table('role_type', 11, { id: 'i', role: "'role ' || i" }),
  table('company_type', 4, { id: 'i', kind: "'company kind ' || i" }),
  // The year and the kind of a title go together, and its early numbers are of many links.
  table('title', titles, {
    id: 'i',
    kind_id: '(i // 500) % 7',
    production_year: '1920 + (i // 500) * 2 + i % 3',
    name: "'title ' || i % 977",
  }),
  table('keyword', 2000, { id: 'i', word: "'word ' || i % 500" }),
  table('company_name', 3000, {
    id: 'i',
    country: "CASE WHEN i < 1200 THEN 'us' WHEN i < 1500 THEN 'gb' ELSE 'c' || i % 60 END",
    name: "'company ' || i",
  }),
  table('person', 15_000, {
    id: 'i',
    gender: "CASE i % 3 WHEN 0 THEN 'f' ELSE 'm' END",
    born: '1900 + i % 90',
  }),
  table('movie_keyword', 60_000, { movie_id: skewed(titles, 1), keyword_id: skewed(2000, 2) }),
  table('movie_companies', 40_000, {
    movie_id: skewed(titles, 3),
    // Companies of the first country make the early titles.
    company_id: `CASE WHEN ${skewed(titles, 3)} < 4000 THEN i % 1200 ELSE i % 3000 END`,
    company_type_id: 'i % 4',
  }),
  table('movie_info', 120_000, {
    movie_id: skewed(titles, 5),
    info_type_id: skewed(40, 6),
    info: "'value ' || i % 113",
  }),
  table('movie_info_idx', 20_000, {
    movie_id: `(i * 13) % ${titles}`,
    info_type_id: '38 + i % 2',
    rating: 'i % 100',
  }),
  table('cast_info', 150_000, {
    movie_id: skewed(titles, 7),
    person_id: skewed(15_000, 8),
    role_id: 'i % 11',
  }),
];

const t = 'title t';
const mk = 'movie_keyword mk';
const k = 'keyword k';
const mc = 'movie_companies mc';
const cn = 'company_name cn';
const ct = 'company_type ct';
const mi = 'movie_info mi';
const it = 'info_type it';
const mx = 'movie_info_idx mx';
const it2 = 'info_type it2';
const ci = 'cast_info ci';
const n = 'person n';
const rt = 'role_type rt';
const kt = 'kind_type kt';

/** How the tables belong together, by the two aliases. */
const links: Readonly<Record<string, string>> = {
  mk: 'mk.movie_id = t.id',
  k: 'k.id = mk.keyword_id',
  mc: 'mc.movie_id = t.id',
  cn: 'cn.id = mc.company_id',
  ct: 'ct.id = mc.company_type_id',
  mi: 'mi.movie_id = t.id',
  it: 'it.id = mi.info_type_id',
  mx: 'mx.movie_id = t.id',
  it2: 'it2.id = mx.info_type_id',
  ci: 'ci.movie_id = t.id',
  n: 'n.id = ci.person_id',
  rt: 'rt.id = ci.role_id',
  kt: 'kt.id = t.kind_id',
};

function query(tables: readonly string[], ...conditions: string[]): string {
  const joins = tables.flatMap((item) => links[item.split(' ')[1]] ?? []);
  const where = [...joins, ...conditions].join(' AND ');
  return `SELECT count(*), min(t.name), max(t.production_year) FROM ${tables.join(', ')} WHERE ${where}`;
}

export const movieQueries: readonly string[] = [
  query([t, mk, k, mc, cn], "k.word = 'word 7'", "cn.country = 'us'"),
  query([t, mk, k, mc, cn, ct], "k.word = 'word 499'", "cn.country = 'gb'", 'ct.id = 1'),
  query(
    [t, mi, it, mk, k, mc, cn],
    "it.info = 'info 3'",
    "k.word < 'word 12'",
    "cn.country = 'c3'",
  ),
  query([t, mi, it, mx, it2, kt], "it.info = 'info 20'", 'mx.rating > 90', "it2.info = 'info 38'"),
  query([t, ci, n, rt, mk, k], "rt.role = 'role 3'", "k.word = 'word 0'", "n.gender = 'f'"),
  query([t, ci, n, mc, cn, ct], 't.production_year > 1995', "cn.country = 'us'", 'n.born > 1985'),
  query(
    [t, kt, mc, cn, mi, it, mx, it2],
    "kt.kind = 'kind 1'",
    't.production_year < 1935',
    "cn.country = 'us'",
    'it.id = 30',
    'it2.id = 39',
  ),
  query(
    [t, ci, rt, n, mc, cn, mk, k],
    "k.word IN ('word 1', 'word 2')",
    "cn.country = 'c9'",
    'rt.id = 2',
  ),
  query(
    [t, mi, it, mx, it2, mk, k, ci, n],
    'mx.rating = 99',
    "mi.info = 'value 5'",
    'it.id = 1',
    'it2.id = 39',
    "n.gender = 'f'",
    'k.id < 50',
  ),
  query(
    [t, kt, mi, it, mc, cn, ct, mk, k, ci, n, rt],
    "kt.kind = 'kind 0'",
    't.production_year = 1921',
    'it.id = 2',
    "cn.country = 'us'",
    'ct.id = 0',
    'k.id < 20',
    'rt.id = 1',
    'n.born < 1950',
  ),
  query([t, mk, k, mi, it, ci, n], "t.name = 'title 5'", 'it.id = 0', 'k.id = 0'),
  query([t, mc, cn, mi, ci], "cn.name = 'company 2999'", "mi.info = 'value 100'"),
  query(
    [t, mx, it2, mk, k, mc, ct],
    'mx.rating BETWEEN 10 AND 12',
    't.production_year BETWEEN 1950 AND 1952',
    "ct.kind = 'company kind 2'",
    "k.word LIKE 'word 1%'",
  ),
];
