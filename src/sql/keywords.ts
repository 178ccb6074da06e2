/**
 * The words with a grammatical role that keeps them from being plain names. All other words of the
 * grammar (YEAR, FIRST, RECURSIVE, …) are ordinary names that get their meaning from where they
 * stand, and need no entry here.
 */

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}

/** Never a name, unless it stands in double quotes or after AS. */
export const reservedWords = words(`
  ALL ANALYSE ANALYZE AND ANY ARRAY AS ASC ASYMMETRIC BOTH CASE CAST CHECK COLLATE COLUMN
  CONSTRAINT CREATE CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEFAULT DEFERRABLE
  DESC DISTINCT DO ELSE END EXCEPT FALSE FETCH FOR FOREIGN FROM GRANT GROUP HAVING IN INITIALLY
  INTERSECT INTO LATERAL LEADING LIMIT LOCALTIME LOCALTIMESTAMP NOT NULL OFFSET ON ONLY OR ORDER
  PIVOT PLACING PRIMARY QUALIFY REFERENCES RETURNING SELECT SESSION_USER SOME SYMMETRIC TABLE THEN
  TO TRAILING TRUE UNION UNIQUE UNPIVOT USER USING VARIADIC WHEN WHERE WINDOW WITH
`);

/**
 * Operators and joins that are words: not a column, a table or an alias without AS, but may name a
 * function, as in `left('abc', 2)`.
 */
export const operatorWords = words(`
  ANTI ASOF CROSS FULL GLOB ILIKE INNER IS ISNULL JOIN LEFT LIKE NATURAL NOTNULL OUTER OVERLAPS
  POSITIONAL RIGHT SEMI SIMILAR TABLESAMPLE
`);

/** Words that may name a column or a table but not, without AS, a select item. */
export const noBareLabels = words(`
  CHAR CHARACTER DAY FILTER HOUR MINUTE MONTH OVER PRECISION SECOND VALUES VARYING WITHIN WITHOUT
  YEAR
`);

/** Functions of standard SQL that are called without parentheses. */
export const bareFunctions = words(`
  CURRENT_CATALOG CURRENT_DATE CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP
  CURRENT_USER LOCALTIME LOCALTIMESTAMP SESSION_USER USER
`);

/** The fields of an INTERVAL literal, by every spelling that is taken for them. */
export const intervalUnits: ReadonlyMap<string, string> = new Map(
  [
    'MILLENNIUM MILLENNIUMS MILLENNIA',
    'CENTURY CENTURIES',
    'DECADE DECADES',
    'YEAR YEARS',
    'QUARTER QUARTERS',
    'MONTH MONTHS',
    'WEEK WEEKS',
    'DAY DAYS',
    'HOUR HOURS',
    'MINUTE MINUTES',
    'SECOND SECONDS',
    'MILLISECOND MILLISECONDS',
    'MICROSECOND MICROSECONDS',
  ].flatMap((line) => {
    const spellings = line.split(' ');
    return spellings.map((spelling): [string, string] => [spelling, spellings[0]]);
  }),
);

/** Words that start a query. */
export const queryStarts = words('SELECT WITH VALUES FROM TABLE');
