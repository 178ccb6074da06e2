import { toJsonSchema } from '@valibot/to-json-schema';
import type { BaseIssue, BaseSchema } from 'valibot';
import { type Route, scopes } from './route.ts';

type Schema = BaseSchema<unknown, unknown, BaseIssue<unknown>>;

/** The OpenAPI 3.1 document of a set of routes. */
export function describeRoutes(
  routes: readonly Route[],
  about: { readonly title: string; readonly version: string },
): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] ??= {};
    paths[route.path][route.method.toLowerCase()] = describeRoute(route);
  }
  return {
    openapi: '3.1.0',
    info: about,
    paths,
    components: {
      securitySchemes: {
        token: {
          type: 'http',
          scheme: 'bearer',
          description: `Scopes: ${scopes.join(', ')}. Not needed where the server has no tokens.`,
        },
      },
      schemas: { Problem: problemSchema },
    },
  };
}

function describeRoute(route: Route): object {
  const { result } = route;
  const problem = {
    description: 'What went wrong (RFC 9457)',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  return {
    operationId: route.id,
    summary: route.summary,
    ...(route.scope !== undefined && { security: [{}, { token: [route.scope] }] }),
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(route.body !== undefined && {
      requestBody: {
        required: true,
        content: { 'application/json': { schema: jsonSchema(route.body) } },
      },
    }),
    ...(route.streamBody === true && {
      requestBody: { required: true, content: { 'application/octet-stream': {} } },
    }),
    responses: {
      [result.status]: { description: result.description, ...content(route) },
      default: problem,
    },
  };
}

function content({ result }: Route): object {
  if (result.text !== undefined) {
    const [type] = result.text.type.split(';');
    return { content: { [type]: { schema: { type: 'string' } } } };
  }
  if (result.stream === true) return { content: { 'application/octet-stream': {} } };
  if (result.schema === undefined) return {};
  return { content: { 'application/json': { schema: jsonSchema(result.schema) } } };
}

function pathParameters({ path }: Route): object[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => {
    return { name, in: 'path', required: true, schema: { type: 'string' } };
  });
}

function queryParameters({ query }: Route): object[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = jsonSchema(query);
  return Object.entries(properties).map(([name, schema]) => {
    return { name, in: 'query', required: required.includes(name), schema };
  });
}

function headerParameters({ method, streamBody }: Route): object[] {
  if (method === 'GET' || streamBody === true) return [];
  const description = 'A request that repeats a key is answered like the first, not done again.';
  return [{ name: 'Idempotency-Key', in: 'header', description, schema: { type: 'string' } }];
}

function jsonSchema(schema: Schema): {
  properties?: Record<string, object>;
  required?: string[];
} {
  // What a client sends counts, before texts of a query become numbers.
  const { $schema: _, ...rest } = toJsonSchema(schema, {
    target: 'draft-2020-12',
    typeMode: 'input',
  });
  return rest as { properties?: Record<string, object>; required?: string[] };
}

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'SQLSTATE' },
    hint: { type: 'string', description: 'What could be done about it' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { field: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
};
