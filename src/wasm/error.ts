/**
 * A mistake in a module under construction: operands of the wrong type, a label out of scope, a
 * function without a body. Thrown where the mistake is made, so that the stack trace points at it.
 */
export class AssemblerError extends Error {
  override readonly name = 'AssemblerError';
  /** Name of the function under construction; undefined where none was. */
  readonly functionName: string | undefined;
  /** The offending expression as text; undefined where there is none. */
  readonly expression: string | undefined;

  constructor(message: string, functionName?: string, expression?: string) {
    const where = functionName === undefined ? '' : `in function $${functionName}: `;
    const what = expression === undefined ? '' : `\n  ${expression.replaceAll('\n', '\n  ')}`;
    super(`${where}${message}${what}`);
    this.functionName = functionName;
    this.expression = expression;
  }
}

/** What owns locals: a function under construction. */
export interface Owner {
  readonly name: string;
}

const underConstruction: Owner[] = [];

/** Runs `build` while `owner` is the function that errors are attributed to. */
export function whileBuilding<T>(owner: Owner, build: () => T): T {
  underConstruction.push(owner);
  try {
    return build();
  } finally {
    underConstruction.pop();
  }
}

/** Throws an {@link AssemblerError} about `owner`, or about the function being built right now. */
export function fail(message: string, owner?: Owner | undefined, expression?: string): never {
  const function_ = owner ?? underConstruction.at(-1);
  throw new AssemblerError(message, function_?.name, expression);
}
