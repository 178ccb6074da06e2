import * as v from 'valibot';
import { sqlState } from '../../base/error.ts';
import type { VolumeService } from '../volumes/volume-service.ts';
import { defineRoute, type Route } from './route.ts';

const name = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const bytes = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const integerText = v.pipe(v.string(), v.regex(/^\d{1,15}$/), v.transform(Number));

const volume = v.object({
  name,
  size: bytes,
  created: v.pipe(v.string(), v.isoTimestamp()),
  origin: v.optional(v.string()),
  snapshots: v.pipe(v.number(), v.integer()),
  connections: v.pipe(v.number(), v.integer()),
});

const snapshot = v.object({
  name,
  size: bytes,
  created: v.pipe(v.string(), v.isoTimestamp()),
});

const usage = v.object({
  fileBytes: bytes,
  liveBytes: bytes,
  reclaimableBytes: bytes,
  freeBytes: bytes,
});

const volumeUsage = v.object({
  referencedBytes: bytes,
  exclusiveBytes: bytes,
  sharedBytes: bytes,
});

const changes = v.object({
  ranges: v.array(v.object({ offset: bytes, length: bytes })),
  nextOffset: v.optional(bytes),
});

/** The operations on volumes, for the HTTP server. */
export function volumeRoutes(volumes: VolumeService): Route[] {
  return [...volumeOperations(volumes), ...snapshotOperations(volumes), ...dataOperations(volumes)];
}

function volumeOperations(volumes: VolumeService): Route[] {
  const path = '/v1/volumes';
  const one = '/v1/volumes/{volume}';
  return [
    defineRoute({
      method: 'GET',
      path,
      id: 'listVolumes',
      summary: 'All volumes',
      scope: 'volumes:read',
      result: {
        status: 200,
        description: 'The volumes by name',
        schema: v.object({ volumes: v.array(volume) }),
      },
      handle: async () => ({ volumes: await volumes.list() }),
    }),
    defineRoute({
      method: 'POST',
      path,
      id: 'createVolume',
      summary: 'Make an empty volume, or a writable clone of a volume or a snapshot',
      scope: 'volumes:write',
      body: v.union([
        v.strictObject({ name, size: bytes }),
        v.strictObject({
          name,
          source: v.strictObject({ volume: name, snapshot: v.optional(name) }),
        }),
      ]),
      result: { status: 201, description: 'The new volume', schema: volume },
      handle: ({ body }) =>
        'source' in body
          ? volumes.clone(body.name, body.source)
          : volumes.create(body.name, body.size),
      doneBefore: {
        code: sqlState.duplicateTable,
        result: ({ body }) => volumes.get(body.name),
      },
    }),
    defineRoute({
      method: 'GET',
      path: one,
      id: 'getVolume',
      summary: 'One volume',
      scope: 'volumes:read',
      result: { status: 200, description: 'The volume', schema: volume },
      handle: ({ params }) => volumes.get(params['volume']),
    }),
    defineRoute({
      method: 'PATCH',
      path: one,
      id: 'resizeVolume',
      summary: 'Change the size; clients see it when they connect anew',
      scope: 'volumes:write',
      body: v.strictObject({ size: bytes }),
      result: { status: 200, description: 'The volume', schema: volume },
      handle: ({ params, body }) => volumes.resize(params['volume'], body.size),
    }),
    defineRoute({
      method: 'DELETE',
      path: one,
      id: 'deleteVolume',
      summary: 'Delete a volume and its snapshots',
      scope: 'volumes:write',
      result: { status: 204, description: 'It is gone' },
      handle: ({ params }) => volumes.delete(params['volume']),
      doneBefore: { code: sqlState.undefinedTable, result: async () => undefined },
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/usage',
      id: 'getUsage',
      summary: 'What the file of the store is used for',
      scope: 'volumes:read',
      result: { status: 200, description: 'Bytes by use', schema: usage },
      handle: () => volumes.usage(),
    }),
  ];
}

function snapshotOperations(volumes: VolumeService): Route[] {
  const path = '/v1/volumes/{volume}/snapshots';
  const one = '/v1/volumes/{volume}/snapshots/{snapshot}';
  return [
    defineRoute({
      method: 'GET',
      path,
      id: 'listSnapshots',
      summary: 'The snapshots of a volume',
      scope: 'volumes:read',
      result: {
        status: 200,
        description: 'The snapshots by name',
        schema: v.object({ snapshots: v.array(snapshot) }),
      },
      handle: async ({ params }) => ({ snapshots: await volumes.snapshots(params['volume']) }),
    }),
    defineRoute({
      method: 'POST',
      path,
      id: 'takeSnapshot',
      summary: 'Keep the volume as it is now',
      scope: 'volumes:write',
      body: v.strictObject({ name }),
      result: { status: 201, description: 'The snapshot', schema: snapshot },
      handle: ({ params, body }) => volumes.takeSnapshot(params['volume'], body.name),
      doneBefore: {
        code: sqlState.duplicateTable,
        result: async ({ params, body }) => {
          const snapshots = await volumes.snapshots(params['volume']);
          return snapshots.find((one) => one.name === body.name);
        },
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: one,
      id: 'deleteSnapshot',
      summary: 'Delete a snapshot; clones of it stay',
      scope: 'volumes:write',
      result: { status: 204, description: 'It is gone' },
      handle: ({ params }) => volumes.deleteSnapshot(params['volume'], params['snapshot']),
      doneBefore: { code: sqlState.undefinedTable, result: async () => undefined },
    }),
  ];
}

function dataOperations(volumes: VolumeService): Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/v1/volumes/{volume}/changes',
      id: 'listChanges',
      summary: 'Ranges that differ from an older snapshot, a page at a time',
      scope: 'volumes:read',
      query: v.strictObject({
        since: name,
        to: v.optional(name),
        offset: v.optional(integerText, '0'),
        limit: v.optional(integerText, '10000'),
      }),
      result: { status: 200, description: 'The ranges in order', schema: changes },
      handle: ({ params, query }) =>
        volumes.changes(params['volume'], {
          ...query,
          limit: Math.min(Math.max(query.limit, 1), 100_000),
        }),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/volumes/{volume}/usage',
      id: 'getVolumeUsage',
      summary: 'What a volume, or one snapshot of it, takes and shares',
      scope: 'volumes:read',
      query: v.strictObject({ snapshot: v.optional(name) }),
      result: { status: 200, description: 'Bytes', schema: volumeUsage },
      handle: ({ params, query }) => volumes.volumeUsage(params['volume'], query.snapshot),
    }),
    defineRoute({
      method: 'GET',
      path: '/v1/volumes/{volume}/snapshots/{snapshot}/backup',
      id: 'backupSnapshot',
      summary: 'A snapshot as a checksummed stream, or what changed since an older one',
      scope: 'data:read',
      query: v.strictObject({ since: v.optional(name) }),
      result: { status: 200, description: 'What restoreVolume takes', stream: true },
      handle: async ({ params, query }) =>
        volumes.backup(params['volume'], params['snapshot'], query.since),
    }),
    defineRoute({
      method: 'POST',
      path: '/v1/volumes/{volume}/restore',
      id: 'restoreVolume',
      summary: 'Make a volume of a backup, or bring it forward by one of differences',
      scope: 'data:write',
      streamBody: true,
      result: { status: 201, description: 'The snapshot that was restored', schema: snapshot },
      handle: ({ params, request }) => volumes.restore(params['volume'], request),
    }),
  ];
}
