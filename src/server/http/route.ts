import type { IncomingMessage } from 'node:http';
import type { BaseIssue, BaseSchema, InferOutput } from 'valibot';

export type Scope = 'volumes:read' | 'volumes:write' | 'data:read' | 'data:write';

export const scopes: readonly Scope[] = [
  'volumes:read',
  'volumes:write',
  'data:read',
  'data:write',
];

type Schema = BaseSchema<unknown, unknown, BaseIssue<unknown>>;

/**
 * One operation of the API. The same value routes requests, checks what comes in and describes the
 * operation in the OpenAPI document, so the three cannot disagree.
 */
export interface Route<
  Query extends Schema = Schema,
  Body extends Schema = Schema,
  Result extends Schema = Schema,
> {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With names in braces: `/v1/volumes/{volume}`. */
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  /** undefined: open to everybody. */
  readonly scope: Scope | undefined;
  readonly query?: Query;
  readonly body?: Body;
  /** The body is a stream of bytes, for the handler to read from `request`. */
  readonly streamBody?: boolean;
  readonly result: {
    readonly status: number;
    readonly description: string;
    /** JSON of this form; without: no content, or a stream of bytes if the handler returns one. */
    readonly schema?: Result;
    readonly stream?: boolean;
    /** The handler returns a text: how it is sent. */
    readonly text?: { readonly status: number; readonly type: string };
  };
  handle(call: RouteCall<InferOutput<Query>, InferOutput<Body>>): Promise<unknown>;
  /**
   * For a request that an earlier server may have done: the error that says it was, and what there
   * is now, with the time at which it was made; nothing, if nothing is what was asked for.
   */
  readonly doneBefore?: {
    /** SQLSTATE. */
    readonly code: string;
    result(
      call: RouteCall<InferOutput<Query>, InferOutput<Body>>,
    ): Promise<{ readonly created: string } | undefined>;
  };
}

/** What a handler is given. */
export interface RouteCall<Query, Body> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly request: IncomingMessage;
}

/** Keeps the types of the schemas for the handler. */
export function defineRoute<Query extends Schema, Body extends Schema, Result extends Schema>(
  route: Route<Query, Body, Result>,
): Route {
  return route as unknown as Route;
}

export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a request; `allowed`: the methods that the path does have. */
export function matchRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): Match | { readonly allowed: readonly string[] } {
  const segments = path.split('/');
  const allowed: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.path.split('/'), segments);
    if (params === undefined) continue;
    if (route.method === method) return { route, params };
    allowed.push(route.method);
  }
  return { allowed };
}

function matchPath(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    if (part.startsWith('{')) {
      try {
        params[part.slice(1, -1)] = decodeURIComponent(segments[index]);
      } catch {
        return undefined;
      }
    } else if (part !== segments[index]) {
      return undefined;
    }
  }
  return params;
}
