import { QuernError, sqlState } from '../../base/error.ts';

/** An error of the API as RFC 9457 has it. */
export interface Problem {
  /** A name for programs: `urn:quern:problem:` and a word. */
  type: string;
  title: string;
  status: number;
  detail?: string;
  /** The SQLSTATE behind it, if there is one. */
  code?: string;
  /** What could be done about it. */
  hint?: string;
  /** What is wrong with the request, field by field. */
  errors?: { field: string; message: string }[];
}

const titles: Readonly<Record<string, readonly [status: number, title: string]>> = {
  'bad-request': [400, 'The request makes no sense'],
  unauthorized: [401, 'A bearer token is needed'],
  forbidden: [403, 'The token does not allow this'],
  'not-found': [404, 'There is no such thing'],
  'method-not-allowed': [405, 'This cannot be done to it'],
  timeout: [408, 'The request took too long to arrive'],
  conflict: [409, 'The state of the store does not allow this'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The body is of another type'],
  'header-too-large': [431, 'The head of the request is too large'],
  misdirected: [421, 'This server is not known by that name'],
  'key-reused': [422, 'The idempotency key was used for another request'],
  internal: [500, 'The server could not do this'],
  unsupported: [501, 'This store cannot do this'],
  unavailable: [503, 'The server is shutting down'],
  'disk-full': [507, 'The disk is full'],
};

/** Thrown by handlers; becomes the response. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(name: string, detail?: string, errors?: Problem['errors']) {
    super(detail ?? name);
    this.problem = makeProblem(name, detail);
    if (errors !== undefined) this.problem.errors = errors;
  }
}

/** The problem that stands for whatever was thrown. Only errors meant for users are told. */
export function problemOf(error: unknown): Problem {
  if (error instanceof ProblemError) return error.problem;
  if (!(error instanceof QuernError)) return makeProblem('internal');
  const { code, hint } = error;
  const problem = { ...makeProblem(nameOf(code), error.message), code };
  return hint === undefined ? problem : { ...problem, hint };
}

function makeProblem(name: string, detail?: string): Problem {
  const [status, title] = titles[name] ?? titles['internal'];
  const problem: Problem = { type: `urn:quern:problem:${name}`, title, status };
  if (detail !== undefined) problem.detail = detail;
  return problem;
}

function nameOf(code: string): string {
  switch (code) {
    case sqlState.undefinedTable:
      return 'not-found';
    case sqlState.duplicateTable:
    case sqlState.objectInUse:
    case sqlState.objectNotInPrerequisiteState:
      return 'conflict';
    case sqlState.invalidParameterValue:
    case sqlState.programLimitExceeded:
      return 'bad-request';
    case sqlState.featureNotSupported:
      return 'unsupported';
    case sqlState.diskFull:
      return 'disk-full';
    default:
      return 'internal';
  }
}
