import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { createHealth, createMemoryNetwork, createRpcService, followPb, healthPb } from '../src/index.js';
import { signal, timers } from './helpers.js';

const { check, watch } = healthPb.Health.method;
const { HealthCheckResponse_ServingStatus: ServingStatus } = healthPb;
const request = (service: string) => create(healthPb.HealthCheckRequestSchema, { service });

async function* only<T>(item: T): AsyncGenerator<T> {
  yield item;
}

async function served() {
  const network = createMemoryNetwork({ timers });
  const health = createHealth([createRpcService(followPb.FollowService, {})]);
  const listener = await network.serve('server:0', [health.service]);
  const connection = await network.connect(listener.address, { signal });
  const watched = (service: string, calling = signal) =>
    connection.stream(watch, only(request(service)), { signal: calling })[Symbol.asyncIterator]();
  return { health, connection, watched };
}

test.each(['', 'holdfast.v1.FollowService'])('%j serves until it is stopped', async (service) => {
  const { health, connection, watched } = await served();
  const changes = watched(service);
  expect((await changes.next()).value).toMatchObject({ status: ServingStatus.SERVING });
  expect(await connection.unary(check, request(service), { signal })).toMatchObject({
    status: ServingStatus.SERVING,
  });
  health.stopServing();
  health.stopServing();
  expect((await changes.next()).value).toMatchObject({ status: ServingStatus.NOT_SERVING });
  expect((await changes.next()).done).toBe(true);
  expect(await connection.unary(check, request(service), { signal })).toMatchObject({
    status: ServingStatus.NOT_SERVING,
  });
});

test('a service that is not here', async () => {
  const { connection, watched } = await served();
  await expect(connection.unary(check, request('other'), { signal })).rejects.toMatchObject({
    code: 'not-found',
  });
  const calling = new AbortController();
  const changes = watched('other', calling.signal);
  expect((await changes.next()).value).toMatchObject({ status: ServingStatus.SERVICE_UNKNOWN });
  calling.abort();
  await expect(changes.next()).rejects.toMatchObject({ code: 'canceled' });
});
