/** Limits of the front end: hostile or generated SQL gets an error, never a crash. */

/**
 * How deeply expressions, queries and parentheses may nest in the text. Measured: the parser's
 * stack holds more than three times this in Node's default of about 1 MB.
 */
export const nestingMax = 400;

/**
 * How deep a statement's tree may be; a long chain such as `1 + 1 + …` is deep without nesting.
 * AND and OR chains are flat and do not count. Every later stage may recurse over a tree this deep.
 */
export const treeDepthMax = 1000;

/** The longest SQL text, in UTF-16 code units. */
export const textLengthMax = 256 * 1024 * 1024;
