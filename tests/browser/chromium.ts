import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, normalize } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome'];
const browser = names.find((name) => spawnSync(name, ['--version']).status === 0);

/** For tests that need a browser: why they are skipped, false if there is one. */
export const skipWithoutBrowser =
  browser === undefined ? `there is none of ${names.join(', ')} here` : false;

/** What a browser is shown. */
export interface Site {
  /** The HTML of `/`. Its script ends with a POST of JSON to `/report`. */
  page: string;
  /** Folders whose scripts are served, by the path they appear under. */
  folders: Readonly<Record<string, string>>;
  /** Cross-origin isolated, so that there is SharedArrayBuffer. */
  isolated: boolean;
}

/** Opens the page in a browser of its own and waits for what it reports. */
export async function visit(site: Site): Promise<unknown> {
  let receive: (report: unknown) => void = () => {};
  const reported = new Promise<unknown>((resolve) => {
    receive = resolve;
  });
  const server = createServer((request, response) => answer(request, response, site, receive));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const profile = mkdtempSync(join(tmpdir(), 'quern-chromium-'));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`];
  // A group of its own, so that the browser's own processes end with it.
  const child = spawn(browser as string, [...flags, url], { stdio: 'ignore', detached: true });
  const exited = new Promise<never>((_, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`the browser ended with ${code}`)));
  });
  try {
    return await Promise.race([reported, exited]);
  } finally {
    exited.catch(() => {});
    const ended = new Promise((resolve) => child.on('exit', resolve));
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    await ended;
    await close(server);
    rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

function close(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Serves the page and the scripts, and takes the report. */
function answer(
  request: IncomingMessage,
  response: ServerResponse,
  site: Site,
  receive: (report: unknown) => void,
): void {
  const path = normalize(new URL(request.url ?? '/', 'http://localhost').pathname);
  if (site.isolated) {
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  }
  if (path === '/report') {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      response.end();
      receive(JSON.parse(body));
    });
  } else if (path === '/') {
    response.setHeader('Content-Type', 'text/html').end(site.page);
  } else {
    const prefix = Object.keys(site.folders).find((folder) => path.startsWith(folder));
    if (prefix === undefined || !path.endsWith('.js')) {
      response.writeHead(404).end();
      return;
    }
    const file = join(site.folders[prefix], path.slice(prefix.length));
    response.setHeader('Content-Type', 'text/javascript').end(readFileSync(file));
  }
}
