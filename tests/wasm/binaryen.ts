import assert from 'node:assert/strict';
import binaryen from 'binaryen';

/** What the assembler can write; with more, binaryen writes things that Node 20 does not know. */
const features = [
  binaryen.Features.Atomics,
  binaryen.Features.BulkMemory,
  binaryen.Features.BulkMemoryOpt,
  binaryen.Features.Multivalue,
  binaryen.Features.MutableGlobals,
  binaryen.Features.NontrappingFPToInt,
  binaryen.Features.ReferenceTypes,
  binaryen.Features.SignExt,
  binaryen.Features.SIMD128,
  binaryen.Features.TailCall,
].reduce((all, feature) => all | feature, 0);

function validated(module: binaryen.Module): binaryen.Module {
  module.setFeatures(features);
  assert.ok(module.validate(), 'binaryen finds the module valid');
  return module;
}

/** Labels have no names in the binary format: gives them those of their order. */
function withNumberedLabels(func: string): string {
  const names = new Map<string, string>();
  for (const [, name] of func.matchAll(/\((?:block|loop|if) (\$\S+)/g)) {
    if (!names.has(name)) names.set(name, `$label${names.size}`);
  }
  return func.replace(/((?:block|loop|if|br|br_if|br_table)) (\$[^\n)]+)/g, (_, head, labels) => {
    const numbered = labels.split(' ').map((label: string) => names.get(label) ?? label);
    return `${head} ${numbered.join(' ')}`;
  });
}

/** The text of a module as binaryen writes it, in which equal modules are equal. */
function textOf(module: binaryen.Module): string {
  const text = validated(module).emitText();
  module.dispose();
  // The numbers of types depend on the order they come in; every function shows its own type
  // anyway.
  const untyped = text.replace(/^ \(type .*\n/gm, '').replace(/ \(type \$\d+\)/g, '');
  return untyped
    .split(/^(?= \(func )/m)
    .map(withNumberedLabels)
    .join('');
}

/** A module in binaryen's own text, read from the binary format. */
export function normalizedBytes(bytes: Uint8Array): string {
  return textOf(binaryen.readBinary(bytes));
}

/** A module in binaryen's own text, read from the text format. */
export function normalizedText(text: string): string {
  return textOf(binaryen.parseText(text));
}

/** Translates the text format into the binary one. */
export function assembled(text: string): Uint8Array<ArrayBuffer> {
  const module = validated(binaryen.parseText(text));
  const bytes = module.emitBinary();
  module.dispose();
  return new Uint8Array(bytes);
}
