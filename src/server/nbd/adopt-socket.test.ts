import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, Socket } from 'node:net';
import { test } from 'node:test';
import { adoptSocket, type Receiver } from './adopt-socket.ts';

/** Writes down what it is told; gives room once it has been greeted. */
class Scribe implements Receiver {
  readonly told: string[] = [];
  readonly target = new Uint8Array(100_000);

  receive(piece: Uint8Array): void {
    this.told.push(`received ${piece.length}`);
  }

  room(): Uint8Array | undefined {
    return this.told.length === 0 ? undefined : this.target;
  }

  filled(count: number): void {
    this.told.push(`filled ${count}`);
  }
}

test('an accepted socket reads where its receiver wants it, in this Node too', async () => {
  const scribe = new Scribe();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, 'localhost');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, 'localhost');
  const [accepted] = await once(server, 'connection');
  const adopted = adoptSocket(accepted, scribe);
  assert.ok(
    adopted !== undefined,
    'this Node lets a socket be adopted; else it is slower, no more',
  );
  client.write('hello');
  while (scribe.told.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  client.end(Buffer.alloc(5000, 7));
  await once(adopted, 'end');
  assert.equal(scribe.told[0], 'received 5');
  assert.equal(
    scribe.told.slice(1).reduce((sum, text) => sum + Number(text.split(' ')[1]), 0),
    5000,
  );
  assert.equal(scribe.target[0], 7);
  adopted.end();
  client.destroy();
  server.close();
});

test('a socket that cannot be adopted stays as it is', () => {
  const socket = new Socket();
  assert.equal(adoptSocket(socket, new Scribe()), undefined);
  assert.ok(!socket.destroyed);
});
