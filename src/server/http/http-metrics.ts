import { Histogram } from '../metrics/histogram.ts';

/** What the HTTP API was asked, by the ids of operations. */
export class HttpMetrics {
  readonly routes = new Map<string, { statuses: Map<number, number>; latency: Histogram }>();

  /** `operation`: 'none' for what has no route, so that strangers cannot invent new ones. */
  observe(operation: string, status: number, seconds: number): void {
    let route = this.routes.get(operation);
    if (route === undefined) {
      route = { statuses: new Map(), latency: new Histogram() };
      this.routes.set(operation, route);
    }
    route.statuses.set(status, (route.statuses.get(status) ?? 0) + 1);
    route.latency.observe(seconds);
  }
}
