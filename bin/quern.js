#!/usr/bin/env node
import module from 'node:module';

// Keeps compiled code from one start to the next, where Node can (from 22.8 on).
module.enableCompileCache?.();

const { main } = await import('../dist/src/cli/main.js');
process.exitCode = await main(process.argv.slice(2));
