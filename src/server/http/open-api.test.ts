import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { MemoryDevice, Store } from '../../store/index.ts';
import { StoreCatalog } from '../volumes/store-catalog.ts';
import { StoreVolumes } from '../volumes/store-volumes.ts';
import { metricsRoute } from './metrics-route.ts';
import { describeRoutes } from './open-api.ts';
import { volumeRoutes } from './volume-routes.ts';

test('the description of the API is valid OpenAPI 3.1', async () => {
  const store = await Store.open(new MemoryDevice());
  const volumes = new StoreVolumes(store, new StoreCatalog(store));
  const routes = [...volumeRoutes(volumes), metricsRoute(() => '')];
  const described = describeRoutes(routes, { title: 'Quern volumes', version: '1' });
  const validator = new Validator();
  assert.deepEqual(await validator.validate(JSON.parse(JSON.stringify(described))), {
    valid: true,
  });
  assert.equal(validator.version, '3.1');
  const broken = { ...described, paths: { 'volumes without a slash': {} } };
  assert.equal((await new Validator().validate(broken)).valid, false);
  await store.close();
});
