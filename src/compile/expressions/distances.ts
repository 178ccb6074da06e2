import { damerauPairsMax } from '../../plan/functions/distances.ts';
import { type Expr, type Func, i32, i64, type ModuleBuilder } from '../../wasm/index.ts';
import {
  emitDamerau,
  emitHamming,
  emitJaccard,
  emitJaro,
  emitLevenshtein,
} from '../kernels/text-distance.ts';
import { failure } from '../program.ts';
import type { Scope } from '../query.ts';
import { rangeOf } from '../range.ts';
import { nullOfAny, type StringValue } from '../value.ts';
import { failIf } from './arithmetic.ts';
import type { Build } from './build.ts';
import { decode } from './strings.ts';
import { textRoom } from './text-room.ts';

type Emit = (m: ModuleBuilder) => Func;

interface Distance {
  /** How many bytes of scratch memory it takes. */
  scratch(a: StringValue, b: StringValue): Expr;
  /** Fails for texts that it cannot compare. */
  check?(a: StringValue, b: StringValue, scope: Scope): void;
}

/** What a kernel says of two texts. It does not run for NULLs. */
function distance(emit: Emit, result: 'i32' | 'f64', { scratch, check }: Distance): Build {
  return (args, _, scope) => {
    const { f, query, pipeline } = scope;
    const [a, b] = args.map((arg) => decode(arg, scope));
    const isNull = nullOfAny(args);
    const answer = f.local(result, 'distance');
    const func = emit(query.module);
    const run = () => {
      check?.(a, b, scope);
      const room = f.let(textRoom(scope, scratch(a, b)), 'scratch');
      f.set(answer, func.call(a.x, a.y, b.x, b.y, room));
      // The room is given back at once.
      f.do(i32.store(pipeline.local, room, query.textSlot()));
    };
    if (isNull === undefined) run();
    else f.if(i32.eqz(isNull), run);
    if (result === 'f64') return { form: 'float', x: answer, isNull };
    return { form: 'int', x: i64.extendI32U(answer), range: rangeOf(0n, 2n ** 32n), isNull };
  };
}

function pairs(a: StringValue, b: StringValue): Expr {
  const wide = (length: Expr) => i64.add(i64.extendI32U(length), 2);
  return i64.mul(wide(a.y), wide(b.y));
}

const levenshtein = distance(emitLevenshtein, 'i32', {
  scratch: (_, b) => i32.add(i32.shl(b.y, 2), 16),
  check: (_, b, scope) => failIf(scope, i32.gtU(b.y, 2 ** 28), undefined, failure.textTooLong),
});

const damerau = distance(emitDamerau, 'i32', {
  scratch: (a, b) => i32.add(i32.shl(i32.wrapI64(pairs(a, b)), 2), 1024),
  check: (a, b, scope) =>
    failIf(scope, i64.gtU(pairs(a, b), BigInt(damerauPairsMax)), undefined, failure.textTooLong),
});

const hamming = distance(emitHamming, 'i32', {
  scratch: () => i32.const(0),
  check: (a, b, scope) => {
    const wrong = i32.or(i32.ne(a.y, b.y), i32.eqz(a.y));
    failIf(scope, wrong, undefined, failure.differentLengths);
  },
});

const jaccard = distance(emitJaccard, 'f64', {
  scratch: () => i32.const(256),
  check: (a, b, scope) => {
    const wrong = i32.or(i32.eqz(a.y), i32.eqz(b.y));
    failIf(scope, wrong, undefined, failure.emptyText);
  },
});

const jaro = (prefixes: boolean): Build =>
  distance((m) => emitJaro(m, prefixes), 'f64', {
    scratch: (a, b) => i32.add(i32.add(a.y, b.y), 16),
  });

export const distanceFunctions: Readonly<Record<string, Build>> = {
  levenshtein,
  damerau_levenshtein: damerau,
  hamming,
  jaccard,
  jaro_similarity: jaro(false),
  jaro_winkler_similarity: jaro(true),
};
