/**
 * Assertions are for our own bugs: they stay on in production, and no input of a user may ever trip
 * one. What the world can cause (bad SQL, a full disk, a broken file) is an error instead; see
 * `error.ts`.
 */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';

  constructor(message: string) {
    super(`internal error (a bug in Quern, please report it): ${message}`);
  }
}

/** Throws an {@link AssertionError} unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}

/** For the default branch of an exhaustive switch: compiles only when every case is handled. */
export function unreachable(value: never, what = 'case'): never {
  throw new AssertionError(
    `unhandled ${what}: ${String((value as { kind?: unknown })?.kind ?? value)}`,
  );
}
