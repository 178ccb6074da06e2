/**
 * The one error type for what the world can cause. `code` is a PostgreSQL SQLSTATE, so that every
 * surface (API, command line, wire protocol) can speak of the same error in its own way.
 */
export class QuernError extends Error {
  override readonly name = 'QuernError';
  /** Five characters, PostgreSQL's SQLSTATE; the names we use are in {@link sqlState}. */
  readonly code: string;
  /**
   * Offset of the offending text in the SQL, in UTF-16 code units from 0; absent if there is none.
   */
  readonly position: number | undefined;
  /** What the user could do about it, one sentence. */
  readonly hint: string | undefined;

  constructor(code: string, message: string, options: QuernErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.position = options.position;
    this.hint = options.hint;
  }
}

export interface QuernErrorOptions {
  position?: number | undefined;
  hint?: string | undefined;
  cause?: unknown;
}

/** The SQLSTATE codes in use, by the name of their condition in the PostgreSQL manual. */
export const sqlState = {
  connectionException: '08000',
  featureNotSupported: '0A000',
  dataException: '22000',
  numericValueOutOfRange: '22003',
  datetimeFieldOverflow: '22008',
  divisionByZero: '22012',
  invalidDatetimeFormat: '22007',
  invalidTextRepresentation: '22P02',
  invalidEscapeSequence: '22025',
  invalidRegularExpression: '2201B',
  badCopyFileFormat: '22P04',
  cardinalityViolation: '21000',
  notNullViolation: '23502',
  uniqueViolation: '23505',
  characterNotInRepertoire: '22021',
  invalidParameterValue: '22023',
  serializationFailure: '40001',
  syntaxError: '42601',
  undefinedColumn: '42703',
  undefinedFunction: '42883',
  undefinedTable: '42P01',
  undefinedParameter: '42P02',
  duplicateColumn: '42701',
  duplicateTable: '42P07',
  ambiguousColumn: '42702',
  groupingError: '42803',
  datatypeMismatch: '42804',
  invalidColumnReference: '42P10',
  insufficientResources: '53000',
  diskFull: '53100',
  outOfMemory: '53200',
  configurationLimitExceeded: '53400',
  programLimitExceeded: '54000',
  objectInUse: '55006',
  objectNotInPrerequisiteState: '55000',
  queryCanceled: '57014',
  ioError: '58030',
  undefinedFile: '58P01',
  duplicateFile: '58P02',
  dataCorrupted: 'XX001',
  internalError: 'XX000',
} as const;
