#!/usr/bin/env node
import { existsSync } from 'node:fs';
import module from 'node:module';

// Keeps compiled code from one start to the next, where Node can (from 22.8 on).
module.enableCompileCache?.();

const args = process.argv.slice(2);
// A few files load faster than hundreds; but benchmarks start some of these as processes.
const packed = args[0] !== 'bench' && existsSync(new URL('../dist/packed/node', import.meta.url));
const { main } = packed
  ? await import('../dist/packed/node/cli.js')
  : await import('../dist/src/cli/main.js');
process.exitCode = await main(args);
