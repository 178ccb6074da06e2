import type { ServerEvent } from '../../server/server-event.ts';
import { startService } from '../../server/service.ts';
import { defineCommand } from '../command.ts';
import { complain, type Io } from '../io.ts';
import { optionTable } from '../options.ts';
import { UsageError } from '../usage-error.ts';
import { version } from '../version.ts';

const options = optionTable({
  nbd: {
    type: 'list',
    value: 'ADDRESS',
    summary: 'Serve the volumes over NBD at unix:PATH or HOST:PORT; may be given several times',
  },
  http: { type: 'text', value: 'HOST:PORT', summary: 'Serve the HTTP API for managing volumes' },
  tokens: {
    type: 'text',
    value: 'FILE',
    summary: 'Bearer tokens of the HTTP API, lines TOKEN SCOPE[,SCOPE]; needed beyond localhost',
  },
  'tls-certificates': {
    type: 'text',
    value: 'DIR',
    summary: 'TLS for NBD with server-cert.pem and server-key.pem of this folder',
  },
  'tls-verify': {
    type: 'flag',
    summary: 'Demand certificates of clients, signed by ca-cert.pem of that folder',
  },
  'tls-psk': { type: 'text', value: 'FILE', summary: 'TLS with pre-shared keys, lines USER:HEX' },
  'http-tls': { type: 'flag', summary: 'Serve the HTTP API over TLS, with those certificates' },
  'key-file': {
    type: 'text',
    value: 'FILE',
    summary:
      'Key of an encrypted store (32 bytes or 64 hexadecimal digits); a new one is encrypted',
  },
  log: {
    type: 'text',
    value: 'FORMAT',
    choices: ['text', 'json'],
    default: 'text',
    summary: 'Log failures only, as text, or every client and request, as JSON lines',
  },
  'tls-optional': { type: 'flag', summary: 'Serve NBD clients without TLS as well' },
});

const details = `FILE is a store, made when it does not exist. Every volume is an export by its name, writable, and
every snapshot one by the name VOLUME@SNAPSHOT, read-only. An interrupt (Ctrl-C) ends the server
when what is under way is done.

Scopes of tokens: volumes:read, volumes:write, data:read (backup), data:write (restore), or * for
all. The HTTP API describes itself at /v1/openapi.json; /metrics is for Prometheus. docs/volumes.md
has more.

Examples:
  quern serve volumes.quern --nbd unix:/run/quern.sock --http localhost:8480
  quern volume create data --size 10GB
  nbdcopy disk.img 'nbd+unix:///data?socket=/run/quern.sock'
`;

/** Serves the volumes of a store until it is told to stop. */
export const serveCommand = defineCommand({
  name: 'serve',
  summary: 'Serve the volumes of a store over the network',
  positionals: 'FILE',
  positionalsMax: 1,
  options,
  details,
  run: async ({ options: given, positionals: [file], io }) => {
    if (file === undefined) throw new UsageError('which file?');
    if (given.nbd === undefined && given.http === undefined) {
      throw new UsageError('nothing to do without --nbd or --http');
    }
    const log = newLog(given.log, io);
    const service = await startService({
      file,
      nbd: given.nbd ?? [],
      http: given.http,
      tokens: given.tokens,
      tlsCertificates: given['tls-certificates'],
      tlsKeys: given['tls-psk'],
      tlsVerify: given['tls-verify'],
      tlsOptional: given['tls-optional'],
      httpTls: given['http-tls'],
      keyFile: given['key-file'],
      version: version(),
      onError: (error) => log({ event: 'error', message: messageOf(error) }),
      onEvent: log,
    });
    for (const address of service.addresses) log({ event: 'serving', address });
    for (const message of service.warnings) log({ event: 'warning', message });
    await stopSignal(log);
    await service.close();
    log({ event: 'stopped' });
    return 0;
  },
});

type Log = (event: ServerEvent) => void;

/** To stderr: for people what they have to know, or for programs everything. */
function newLog(format: string, io: Io): Log {
  if (format === 'json') {
    return (event) => complain(io, JSON.stringify({ time: new Date().toISOString(), ...event }));
  }
  return ({ event, message, address }) => {
    if (event === 'serving') complain(io, `serving ${address}`);
    else if (event === 'warning') complain(io, `warning: ${message}`);
    else if (event === 'error') complain(io, `client: ${message}`);
    else if (event === 'stopping') complain(io, 'stopping');
  };
}

/** Resolves at the first signal to end; a second one ends the program at once. */
function stopSignal(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let told = false;
    const stop = () => {
      if (told) process.exit(1);
      told = true;
      log({ event: 'stopping' });
      resolve();
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
