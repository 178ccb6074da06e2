/** What the generated movies are made of. Order matters: earlier entries are more frequent. */
export const kinds = [
  'episode',
  'movie',
  'video movie',
  'tv movie',
  'tv series',
  'video game',
  'tv mini series',
] as const;

export const companyTypes = [
  'distributors',
  'production companies',
  'special effects companies',
  'miscellaneous companies',
] as const;

export const roles = [
  'actor',
  'actress',
  'producer',
  'writer',
  'cinematographer',
  'composer',
  'costume designer',
  'director',
  'editor',
  'miscellaneous crew',
  'production designer',
  'guest',
] as const;

export const links = [
  'features',
  'references',
  'follows',
  'followed by',
  'remake of',
  'version of',
  'similar to',
  'spin off from',
] as const;

export interface Country {
  readonly name: string;
  /** As companies carry it; the code of a few countries is not known. */
  readonly code: string;
  readonly language: string;
}

export const countries: readonly Country[] = [
  ['USA', 'us', 'English'],
  ['UK', 'gb', 'English'],
  ['France', 'fr', 'French'],
  ['Germany', 'de', 'German'],
  ['Japan', 'jp', 'Japanese'],
  ['India', 'in', 'Hindi'],
  ['Canada', 'ca', 'English'],
  ['Italy', 'it', 'Italian'],
  ['Spain', 'es', 'Spanish'],
  ['Mexico', 'mx', 'Spanish'],
  ['Brazil', 'br', 'Portuguese'],
  ['Australia', 'au', 'English'],
  ['Sweden', 'se', 'Swedish'],
  ['Denmark', 'dk', 'Danish'],
  ['Norway', 'no', 'Norwegian'],
  ['Poland', 'pl', 'Polish'],
  ['Russia', 'ru', 'Russian'],
  ['Hungary', 'hu', 'Hungarian'],
  ['Bulgaria', 'bg', 'Bulgarian'],
  ['Iceland', 'is', 'Icelandic'],
].map(([name, code, language]) => ({ name, code, language }));

export const genres = [
  'Drama',
  'Comedy',
  'Documentary',
  'Romance',
  'Action',
  'Thriller',
  'Crime',
  'Animation',
  'Family',
  'Horror',
  'Adventure',
  'Sci-Fi',
  'War',
  'Western',
  'Musical',
] as const;

/** The first few have rows of their own in each movie's information, the others are rare. */
export const infoTypes: readonly string[] = [
  'genres',
  'languages',
  'countries',
  'release dates',
  'runtimes',
  'color info',
  'sound mix',
  'certificates',
  'plot',
  'trivia',
  'goofs',
  'quotes',
  'budget',
  'gross',
  'locations',
  'soundtrack',
  'rating',
  'votes',
  'top 250 rank',
  'bottom 10 rank',
  ...Array.from({ length: 90 }, (_, i) => `note ${i}`),
];

export const titleWords = [
  'The',
  'Night',
  'Love',
  'Man',
  'Day',
  'House',
  'Girl',
  'Last',
  'Dead',
  'City',
  'Summer',
  'Blood',
  'King',
  'Road',
  'Secret',
  'Dream',
  'Money',
  'War',
  'Champion',
  'Shadow',
  'Iron',
  'Dragon',
  'Ghost',
  'Return',
  'Winter',
  'Stranger',
] as const;

export const companyWords = [
  'Film',
  'Television',
  'Pictures',
  'Productions',
  'Entertainment',
  'Studios',
  'Broadcasting',
  'Video',
  'Media',
  'Warner',
  'Universal',
  'Polygon',
] as const;

export const givenNames = {
  m: ['John', 'Michael', 'David', 'Robert', 'Tim', 'Bert', 'Kenji', 'Pierre', 'Hans', 'Ivan'],
  f: ['Maria', 'Anna', 'Angelina', 'Emma', 'Yuki', 'Claire', 'Greta', 'Olga', 'Lucia', 'Tracy'],
} as const;

export const familyNames = [
  'Smith',
  'Brown',
  'Yamada',
  'Martin',
  'Mueller',
  'Ivanov',
  'Garcia',
  'Downey',
  'Kumar',
  'Rossi',
  'Andersen',
  'Novak',
  'Baker',
  'Zhang',
  'O Neill',
  'Xavier',
] as const;

/** Words that go with a genre, and those that go with none. */
export const keywordsOf: Readonly<Record<string, readonly string[]>> = {
  Drama: ['family', 'death', 'marriage', 'suicide'],
  Comedy: ['parody', 'friendship', 'wedding'],
  Action: ['hero', 'fight', 'explosion', 'sequel', 'superhero', 'based-on-comic'],
  Thriller: ['murder', 'blood', 'revenge', 'violence', 'hitman'],
  Crime: ['murder', 'police', 'gangster', 'heist'],
  Horror: ['blood', 'gore', 'zombie', 'monster', 'violence'],
  'Sci-Fi': ['alien', 'robot', 'space', 'sequel', 'time-travel'],
  Animation: ['computer-animation', 'anthropomorphism', 'magnet'],
  War: ['soldier', 'nazi', 'battle'],
};
