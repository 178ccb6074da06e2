import { expositionType } from '../metrics/exposition.ts';
import { defineRoute, type Route } from './route.ts';

/** Where Prometheus looks; `text` gives what there is now. */
export function metricsRoute(text: () => string): Route {
  return defineRoute({
    method: 'GET',
    path: '/metrics',
    id: 'getMetrics',
    summary: 'Counters and gauges for Prometheus',
    scope: 'volumes:read',
    result: {
      status: 200,
      description: "Prometheus' text format",
      text: { status: 200, type: expositionType },
    },
    handle: async () => text(),
  });
}
