import { parseByteSize } from '../../base/byte-size.ts';
import { QuernError, sqlState } from '../../base/error.ts';
import { nearestName } from '../../base/nearest.ts';
import type { BoundSet, BoundShow } from '../../bind/statement/bound.ts';
import type { ConstantValue } from '../../plan/expression.ts';
import { Result } from '../result.ts';
import type { Session } from '../session.ts';
import { textRows } from './explain.ts';

/** A setting of a session. `undefined` sets it back. */
interface Setting {
  get(session: Session): string;
  set(session: Session, value: ConstantValue | undefined): void;
}

const settings: Readonly<Record<string, Setting>> = {
  threads: {
    get: (session) => String(session.threads),
    set: (session, value) => {
      const { threadsMax } = session.engine.runtime;
      const threads = value === undefined ? threadsMax : Number(value);
      if (!Number.isInteger(threads) || threads < 1) {
        throw new QuernError(
          sqlState.invalidParameterValue,
          'threads must be a whole number from 1',
        );
      }
      if (threads > threadsMax) {
        throw new QuernError(
          sqlState.invalidParameterValue,
          `threads can be at most ${threadsMax} here`,
          { hint: 'The option `threads` of open() allows more.' },
        );
      }
      session.threads = threads;
    },
  },
  statement_timeout: {
    get: (session) => String(session.statementTimeout),
    set: (session, value) => {
      session.statementTimeout = value === undefined ? 0 : milliseconds(value);
    },
  },
  memory_limit: {
    get: (session) => String(session.engine.runtime.memory.pages.total().limitBytes),
    set: (session, value) => {
      const { runtime } = session.engine;
      const bytes = value === undefined ? runtime.memoryLimit : parseByteSize(String(value));
      if (bytes === undefined || bytes <= 0) {
        throw new QuernError(
          sqlState.invalidParameterValue,
          "memory_limit must be a size such as '512MB'",
        );
      }
      runtime.limitMemory(bytes);
    },
  },
  memory_usage: {
    get: (session) => String(session.engine.runtime.memory.pages.total().bytes),
    set: () => {
      throw new QuernError(sqlState.invalidParameterValue, 'memory_usage can only be read');
    },
  },
};

export function setSetting(session: Session, { name, value }: BoundSet): Result {
  if (name === undefined) {
    session.threads = session.engine.runtime.threadsMax;
    session.statementTimeout = 0;
    return new Result([], []);
  }
  settingOf(name).set(session, value);
  return new Result([], []);
}

export function showSetting(session: Session, { name }: BoundShow): Result {
  if (name === 'tables') return textRows(['name'], tableNames(session));
  if (name === 'all') {
    const rows = Object.entries(settings).map(([key, setting]) => [key, setting.get(session)]);
    return textRows(['name', 'value'], rows);
  }
  return textRows([name], [[settingOf(name).get(session)]]);
}

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration as PostgreSQL takes it: a number of milliseconds, or one with a unit like '5s'. */
function milliseconds(value: ConstantValue): number {
  const [, digits, unit] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/.exec(String(value)) ?? [];
  const scale = unit === '' ? 1 : unitMs[unit];
  if (digits !== undefined && scale !== undefined) return Math.round(Number(digits) * scale);
  throw new QuernError(
    sqlState.invalidParameterValue,
    `statement_timeout must be a number of milliseconds or one with a unit, like '5s', not ${value}`,
  );
}

function tableNames(session: Session): string[][] {
  const names = [...session.engine.catalog.current.names()];
  return names.sort((a, b) => (a < b ? -1 : 1)).map((name) => [name]);
}

function settingOf(name: string): Setting {
  const setting = settings[name.toLowerCase()];
  if (setting !== undefined) return setting;
  const near = nearestName(name, Object.keys(settings));
  throw new QuernError('42704', `there is no setting "${name}"`, {
    hint: near === undefined ? undefined : `did you mean "${near}"?`,
  });
}
