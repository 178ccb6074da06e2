import type { Store } from '../../store/index.ts';
import type { HttpMetrics } from '../http/http-metrics.ts';
import { commandNames } from '../nbd/nbd-metrics.ts';
import type { NbdServer } from '../nbd/server.ts';
import { Exposition } from './exposition.ts';

/** Everything that a service counts, as Prometheus reads it. */
export function serviceMetrics(store: Store, nbd: NbdServer, http: HttpMetrics): string {
  const out = new Exposition();
  nbdMetrics(out, nbd);
  const routes = [...http.routes];
  out.counter(
    'quern_http_requests_total',
    'Requests to the HTTP API by operation and status.',
    routes.flatMap(([operation, { statuses }]) =>
      [...statuses].map(([status, count]) => [{ operation, status: `${status}` }, count] as const),
    ),
  );
  out.histogram(
    'quern_http_request_duration_seconds',
    'From a request to the end of its response.',
    routes.map(([operation, { latency }]) => [{ operation }, latency] as const),
  );
  storeMetrics(out, store);
  out.gauge('process_resident_memory_bytes', 'Memory of the server.', process.memoryUsage.rss());
  return out.text();
}

function nbdMetrics(out: Exposition, { metrics, pool, connectionCount }: NbdServer): void {
  const commands = [...commandNames];
  const each = (values: Float64Array) =>
    commands.map(([type, command]) => [{ command }, values[type]] as const);
  out.histogram(
    'quern_nbd_request_duration_seconds',
    'From the arrival of a request to its answer.',
    commands.map(([type, command]) => [{ command }, metrics.latency[type]] as const),
  );
  out.counter('quern_nbd_bytes_total', 'Bytes that requests were about.', each(metrics.bytes));
  out.counter('quern_nbd_errors_total', 'Answers that were errors.', each(metrics.errors));
  out.counter('quern_nbd_connections_total', 'Clients so far.', [[{}, metrics.connections]]);
  out.gauge('quern_nbd_connections', 'Clients now.', connectionCount);
  out.gauge('quern_nbd_buffer_bytes', 'Memory of payloads in use.', pool.usedBytes);
}

function storeMetrics(out: Exposition, store: Store): void {
  const { traffic } = store.core.blocks.file;
  const purposes = { ...traffic } as Partial<typeof traffic>;
  delete purposes.bytesRead;
  delete purposes.flushes;
  out.counter(
    'quern_store_written_bytes_total',
    'Bytes written to the device; all purposes divided by data are the write amplification.',
    Object.entries(purposes).map(
      ([name, bytes]) => [{ purpose: name.replace(/Written$/, '') }, bytes] as const,
    ),
  );
  out.counter('quern_store_read_bytes_total', 'Bytes read from the device.', [
    [{}, traffic.bytesRead],
  ]);
  out.counter('quern_store_flushes_total', 'Flushes of the device.', [[{}, traffic.flushes]]);
  const { size, live, reclaimable, free } = store.space();
  out.gauge('quern_store_file_bytes', 'Size of the file of the store.', size);
  out.gauge('quern_store_live_bytes', 'Reachable from volumes, snapshots and maps.', live);
  out.gauge('quern_store_reclaimable_bytes', 'Free after the next checkpoint.', reclaimable);
  out.gauge('quern_store_free_bytes', 'Free within the file.', free);
  out.gauge('quern_store_failed', '1 when the store has stopped.', store.core.failed ? 1 : 0);
}
