/**
 * A movie database from a seed, with what makes real ones hard to estimate: a few movies, people,
 * companies and keywords have most of the rows (Zipf); columns of one table go together (kind and
 * year), and columns of different tables do (a company's country, a movie's countries and
 * languages; genre and keyword; role and gender); NULLs; tables that are ordered by the movie and
 * tables that are not.
 */
import { Random } from '../../base/random.ts';
import type { ColumnBatch } from '../../value/batch.ts';
import { batchFromRows } from '../../value/column-builder.ts';
import { type MovieTable, movieSchemas } from './schema.ts';
import * as words from './words.ts';

type Row = (number | string | null)[];

/** How many rows there are of each entity at scale 1: about 800,000 rows in all. */
const entities = { titles: 50_000, companies: 8000, keywords: 6000, people: 60_000 };

/** The tables, each in one batch. The same seed and scale give the same rows. */
export function generateMovies(scale: number, seed = 1): Map<MovieTable, ColumnBatch> {
  const maker = new Maker(scale, seed);
  maker.run();
  const tables = Object.keys(movieSchemas) as MovieTable[];
  return new Map(tables.map((table) => [table, maker.batch(table)]));
}

/** What is known of a movie besides its row in `title`. */
interface Movie {
  readonly id: number;
  readonly kind: string;
  readonly year: number | null;
  readonly country: words.Country;
  readonly genres: readonly string[];
  /** From 0 to 1: popular movies have more of everything. */
  readonly popularity: number;
}

class Maker {
  readonly #random: Random;
  readonly #rows = new Map<MovieTable, Row[]>();
  readonly #count: Readonly<Record<keyof typeof entities, number>>;
  readonly #genders: ('m' | 'f' | null)[] = [];
  readonly #keywordIds = new Map<string, number>();
  /** Companies of each country, the busiest first. */
  readonly #companies = new Map<string, number[]>();
  readonly #keywordRank: Zipf;
  readonly #personRank: Zipf;
  readonly #infoRank = new Zipf(words.infoTypes.length - 4, 1.1);
  readonly #personOf: number[];

  constructor(scale: number, seed: number) {
    this.#random = new Random(seed);
    const scaled = (count: number) => Math.max(50, Math.round(count * scale));
    this.#count = {
      titles: scaled(entities.titles),
      companies: scaled(entities.companies),
      keywords: scaled(entities.keywords),
      people: scaled(entities.people),
    };
    this.#keywordRank = new Zipf(this.#count.keywords, 1);
    this.#personRank = new Zipf(this.#count.people, 0.7);
    this.#personOf = this.#random.shuffle([...new Array(this.#count.people).keys()]);
  }

  run(): void {
    this.#list('kind_type', words.kinds);
    this.#list('company_type', words.companyTypes);
    this.#list('info_type', words.infoTypes);
    this.#list('role_type', words.roles);
    this.#list('link_type', words.links);
    this.#makeCompanies();
    this.#makeKeywords();
    this.#makePeople();
    for (const movie of this.#makeTitles()) {
      this.#info(movie);
      this.#keywords(movie);
      this.#companiesOf(movie);
      this.#cast(movie);
      this.#links(movie);
    }
    for (const table of ['movie_company', 'movie_rating', 'cast_info'] as const) {
      this.#random.shuffle(this.#table(table));
    }
  }

  batch(table: MovieTable): ColumnBatch {
    return batchFromRows(movieSchemas[table], this.#table(table));
  }

  #table(table: MovieTable): Row[] {
    let rows = this.#rows.get(table);
    if (rows === undefined) {
      rows = [];
      this.#rows.set(table, rows);
    }
    return rows;
  }

  #add(table: MovieTable, ...row: Row): void {
    this.#table(table).push(row);
  }

  #list(table: MovieTable, names: readonly string[]): void {
    names.forEach((name, i) => {
      this.#add(table, i + 1, name);
    });
  }

  #makeCompanies(): void {
    const random = this.#random;
    const rank = new Zipf(words.countries.length, 1.2);
    for (let id = 1; id <= this.#count.companies; id++) {
      const country = words.countries[rank.draw(random)];
      const name = `${random.pick(words.titleWords)} ${random.pick(words.companyWords)} ${id}`;
      this.#add('company', id, name, random.chance(0.06) ? null : `[${country.code}]`);
      const ids = this.#companies.get(country.name) ?? [];
      ids.push(id);
      this.#companies.set(country.name, ids);
    }
  }

  #makeKeywords(): void {
    const known = [...new Set(Object.values(words.keywordsOf).flat())];
    const ids = this.#random.shuffle([...new Array(this.#count.keywords).keys()]);
    ids.forEach((id, i) => {
      const word = known[i] ?? `word-${i % 1999}-${id % 7}`;
      this.#keywordIds.set(word, id + 1);
      this.#add('keyword', id + 1, word);
    });
  }

  #makePeople(): void {
    const random = this.#random;
    for (let id = 1; id <= this.#count.people; id++) {
      const gender = random.chance(0.2) ? null : random.chance(0.36) ? 'f' : 'm';
      this.#genders.push(gender);
      const family = words.familyNames[Math.floor(16 * random.double() ** 2)];
      const given = random.pick(words.givenNames[gender ?? 'm']);
      const year = random.chance(0.6) ? null : 1880 + Math.floor(115 * Math.sqrt(random.double()));
      this.#add('person', id, `${family}, ${given} ${id % 401}`, gender, year);
      if (random.chance(0.15)) this.#add('alias', id, `${given} ${family}`);
    }
  }

  /** Movies in the order of their ids, which says nothing of how popular they are. */
  *#makeTitles(): Generator<Movie> {
    const random = this.#random;
    const ranks = random.shuffle([...new Array(this.#count.titles).keys()]);
    const genreRank = new Zipf(words.genres.length, 0.8);
    const countryRank = new Zipf(words.countries.length, 1.1);
    for (const [i, rank] of ranks.entries()) {
      const id = i + 1;
      const popularity = (rank + 1) ** -0.75;
      // Much of what is popular are movies, and recent.
      const isMovie = random.chance(0.22 + 0.7 * Math.sqrt(popularity));
      const kind = isMovie
        ? 'movie'
        : words.kinds[Math.min(6, Math.floor(-2.2 * Math.log(1 - random.double())))];
      const year = random.chance(0.05) ? null : this.#yearOf(kind, popularity);
      const country = words.countries[countryRank.draw(random)];
      const genres = new Set([words.genres[genreRank.draw(random)]]);
      while (random.chance(0.35)) genres.add(words.genres[genreRank.draw(random)]);
      const name = [random.pick(words.titleWords), random.pick(words.titleWords)].join(' ');
      const number = random.chance(0.1 + popularity / 4) ? ` ${random.int(2, 4)}` : '';
      const episode = kind === 'episode' ? random.int(1, 30) : null;
      this.#add('title', id, name + number, words.kinds.indexOf(kind) + 1, year, episode);
      yield { id, kind, year, country, genres: [...genres], popularity };
    }
  }

  #yearOf(kind: string, popularity: number): number {
    const first = { movie: 1895, 'video game': 1980, 'video movie': 1978 }[kind] ?? 1950;
    const span = 2014 - first;
    const power = kind === 'movie' ? 2 : 3;
    return first + Math.floor(span * this.#random.double() ** (1 / (power + 4 * popularity)));
  }

  /** A count that is `mean` on average for all movies, and far more for the popular ones. */
  #countOf(movie: Movie, mean: number): number {
    const average = 4 * this.#count.titles ** -0.75;
    const expected = mean * (0.35 + (0.65 * movie.popularity) / average);
    return Math.floor(
      Math.min(expected, 60 * mean) * 2 * this.#random.double() + this.#random.double() / 2,
    );
  }

  #info(movie: Movie): void {
    const random = this.#random;
    const add = (type: string, text: string) => {
      this.#add('movie_info', movie.id, words.infoTypes.indexOf(type) + 1, text);
    };
    for (const genre of movie.genres) add('genres', genre);
    if (random.chance(0.8)) add('countries', movie.country.name);
    if (random.chance(0.7)) {
      add('languages', random.chance(0.92) ? movie.country.language : 'English');
    }
    for (let i = this.#countOf(movie, 1); i > 0; i--) {
      const country = random.chance(0.4) ? movie.country : random.pick(words.countries);
      add('release dates', `${country.name}:${random.int(1, 28)} ${movie.year ?? 1999}`);
    }
    for (let i = this.#countOf(movie, 2); i > 0; i--) {
      add(words.infoTypes[4 + this.#infoRank.draw(random)], `text ${random.int(1, 400)}`);
    }
    if (!random.chance(0.25 + 0.7 * Math.sqrt(movie.popularity))) return;
    const rating = Math.min(99, Math.floor(10 + 60 * random.double() + 35 * random.double() ** 2));
    const votes = Math.ceil(5 + 200_000 * movie.popularity * random.double());
    this.#add('movie_rating', movie.id, 17, `${Math.floor(rating / 10)}.${rating % 10}`);
    this.#add('movie_rating', movie.id, 18, String(votes));
    if (movie.popularity > 0.02)
      this.#add('movie_rating', movie.id, 19, String(random.int(1, 250)));
  }

  #keywords(movie: Movie): void {
    const random = this.#random;
    const ids = new Set<number>();
    for (let i = this.#countOf(movie, 2.2); i > 0; i--) {
      const own = words.keywordsOf[random.pick(movie.genres)];
      const word = own !== undefined && random.chance(0.5) ? random.pick(own) : undefined;
      ids.add(
        word === undefined ? 1 + this.#keywordRank.draw(random) : this.#keywordIds.get(word)!,
      );
    }
    for (const id of ids) this.#add('movie_keyword', movie.id, id);
  }

  #companiesOf(movie: Movie): void {
    const random = this.#random;
    for (let i = this.#countOf(movie, 1.6); i > 0; i--) {
      const country = random.chance(0.85) ? movie.country : words.countries[0];
      const ids = this.#companies.get(country.name) ?? [1];
      const company = ids[Math.floor(ids.length * random.double() ** 3)];
      const type = random.chance(0.55) ? 1 : random.chance(0.9) ? 2 : random.int(3, 4);
      this.#add('movie_company', movie.id, company, type, this.#noteOf(movie, country, type));
    }
  }

  #noteOf(movie: Movie, country: words.Country, type: number): string | null {
    const random = this.#random;
    if (random.chance(type === 1 ? 0.2 : 0.75)) return null;
    if (type === 2) return random.chance(0.6) ? '(co-production)' : '(presents)';
    const where = random.chance(0.3) ? 'worldwide' : random.chance(0.5) ? country.name : 'USA';
    const medium = random.pick(
      movie.kind === 'movie' ? ['theatrical', 'DVD', 'TV'] : ['TV', 'DVD'],
    );
    return `(${movie.year ?? 2000}) (${where}) (${medium})`;
  }

  #cast(movie: Movie): void {
    const random = this.#random;
    const animated = movie.genres.includes('Animation');
    for (let i = this.#countOf(movie, 5); i > 0; i--) {
      const person = this.#personOf[this.#personRank.draw(random)];
      const gender = this.#genders[person] ?? 'm';
      const acts = random.chance(0.62);
      const role = acts ? (gender === 'f' ? 2 : 1) : random.int(3, 12);
      const character = acts && random.chance(0.7) ? `Role ${random.int(1, 2000)}` : null;
      const note = acts
        ? random.chance(animated ? 0.8 : 0.03)
          ? '(voice)'
          : random.chance(0.1)
            ? '(uncredited)'
            : null
        : random.chance(0.4)
          ? '(executive)'
          : null;
      this.#add('cast_info', movie.id, person + 1, role, character, note);
    }
  }

  #links(movie: Movie): void {
    const random = this.#random;
    if (!random.chance(0.02 + 0.5 * movie.popularity)) return;
    for (let i = random.int(1, 4); i > 0; i--) {
      const other = 1 + Math.floor(this.#count.titles * random.double());
      const type = Math.min(8, 1 + Math.floor(-2 * Math.log(1 - random.double())));
      this.#add('movie_link', movie.id, other, type);
    }
  }
}

/** Draws ranks from 0, the share of rank r in proportion to 1 / (r + 1) ** exponent. */
class Zipf {
  readonly #cumulated: Float64Array;

  constructor(count: number, exponent: number) {
    this.#cumulated = new Float64Array(count);
    let sum = 0;
    for (let i = 0; i < count; i++) {
      sum += (i + 1) ** -exponent;
      this.#cumulated[i] = sum;
    }
  }

  draw(random: Random): number {
    const at = random.double() * this.#cumulated[this.#cumulated.length - 1];
    let [low, high] = [0, this.#cumulated.length - 1];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#cumulated[middle] > at) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
